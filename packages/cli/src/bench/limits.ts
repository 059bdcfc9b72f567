/** A program that does not listen after so many milliseconds will not; all of them need less than 2,000. */
export const START_MS_MAX = 20_000;

/** How often a starting program is asked whether it listens, in milliseconds. */
export const START_POLL_MS = 20;

/** A program that has not left so many milliseconds after SIGTERM is killed. */
export const STOP_MS_MAX = 2_000;

/** A load generator may take so many times as long as its round is planned for: a slow peer, not a hanging one. */
export const ROUND_OVERRUN_FACTOR = 10;

/** What a load generator may take beyond that, in milliseconds: it starts, connects and reports. */
export const ROUND_EXTRA_MS_MAX = 20_000;

/** Bytes kept of what a program says: a generator's whole report, or the end of a proxy's log for a message. */
export const PROGRAM_OUTPUT_BYTES_MAX = 65_536;

/** Random ports that are tried before the machine counts as full. */
export const PORT_TRIES_MAX = 200;

/** How long a program may take to print its version, in milliseconds. */
export const VERSION_MS_MAX = 10_000;

/** How long the first request through a proxy may take, in milliseconds. */
export const FIRST_ANSWER_MS_MAX = 10_000;

/** How long clients may take to open all idle connections, in milliseconds. */
export const IDLE_OPEN_MS_MAX = 120_000;

/** Connections of one client process: below the usual limit of 20,000 open files, with room to spare. */
export const IDLE_CONNECTIONS_PER_CLIENT_MAX = 8_000;

/** Connections that a client process opens at a time: the listen queues of all peers hold as many. */
export const IDLE_OPENING_MAX = 64;

/** Open files that a proxy needs besides its idle connections: connections to the backend, logs, listeners. */
export const IDLE_SPARE_FILES_MIN = 1_500;

/** How often memory is looked at while a body streams, in milliseconds. */
export const MEMORY_SAMPLE_MS = 20;

/** A body that streams may take so many times as long as its rate says before the reader gives up. */
export const STREAM_OVERRUN_FACTOR = 10;

/** Longest round or phase that can be asked for, in seconds: an hour finds what a minute does not; more is a mistyped number. */
export const SECONDS_MAX = 3_600;
