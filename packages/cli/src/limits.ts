/** Worker processes of one role: more than that is a mistyped number, not a machine. */
export const WORKERS_MAX = 256;

/** A worker that has not said "ready" after so many milliseconds is killed; a start takes a tenth of a second. */
export const WORKER_START_MS_MAX = 30_000;

/** First pause before a worker that died is replaced, in milliseconds: one crash is hardly noticed. */
export const WORKER_RESTART_MS_MIN = 100;

/** Longest pause before a worker that died is replaced, in milliseconds: a crash loop costs little, and ends soon after its cause. */
export const WORKER_RESTART_MS_MAX = 10_000;

/** A worker that lived so many milliseconds was no part of a crash loop: the pauses begin anew. */
export const WORKER_STABLE_MS = 30_000;

/** Deaths in a row, each before `WORKER_STABLE_MS`, that are called a crash loop in the log. */
export const WORKER_CRASHES_IN_LOOP = 5;

/** How long a worker may take to answer a question of its supervisor, in milliseconds; a stuck one is left out. */
export const WORKER_ANSWER_MS_MAX = 1_000;

/** Questions to one worker that wait for their answers: beyond, the worker counts as stuck and is not asked. */
export const WORKER_QUESTIONS_MAX = 64;

/** After a drain's deadline a worker has so many milliseconds to leave before it is killed. */
export const WORKER_LEAVE_MS_MAX = 2_000;

/** When a process was killed, what it started has so many seconds to end by itself before it is killed, too. */
export const ORPHAN_GRACE_SECONDS = 1;

/** How long a worker may take to try what a configuration demands of the machine, in milliseconds; one may be compiling. */
export const WORKER_TRIAL_MS_MAX = 5_000;

/** How often, in milliseconds, a configuration that a worker could not take is tried again: files and addresses come late. */
export const REFUSED_RETRY_MS = 10_000;

/** How often, in milliseconds, a listener is tried again whose port another process has; a look costs a system call or two. */
export const PORT_RETRY_MS = 2_000;

/** Connections that are on their way from one worker to the next at a time: as many keep both busy, and each is between them for some 5 ms. */
export const HAND_OVER_WINDOW = 64;

/** How often, in milliseconds, connections that were busy are looked at again while they are to move to the next version. */
export const HAND_OVER_LOOK_MS = 5;

/** How long, in milliseconds, the next version is not in charge yet because connections are busy; those still are move later. */
export const HAND_OVER_PATIENCE_MS = 3_000;

/** How long an upgrade may take from its request to the moment that the next version is in charge, in milliseconds: a bundle may have to be made. */
export const UPGRADE_MS_MAX = 120_000;

/** How often, in milliseconds, an old version that still finishes requests tells the next one what it has counted. */
export const PREDECESSOR_COUNTS_MS = 500;

/** Bytes of log lines that wait for a slow reader; beyond, new lines are lost. */
export const LOG_PENDING_BYTES_MAX = 1_048_576;

/** Pause before a reader of the log that takes nothing is tried again, in milliseconds. */
export const LOG_RETRY_MS = 100;

/** How often, every `LOG_RETRY_MS`, a process that ends tries to hand its last lines to a reader that takes none. */
export const LOG_END_RETRIES_MAX = 10;

/** How long, in milliseconds, a process that ends waits for lines that the system has been handed and may be writing. */
export const LOG_END_WAIT_MS = 5;
