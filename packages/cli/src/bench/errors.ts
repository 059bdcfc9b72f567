/** The codes of the benchmarks. */
export const BENCH_ERRORS = {
  BENCH_PROGRAM_MISSING: {
    meaning: "A program that a benchmark cannot do without (a load generator or the backend) is not installed.",
    action: "Install what the message names; on Debian: apt-get install nginx wrk nghttp2-client.",
  },
  BENCH_START_FAILED: {
    meaning: "A program of the benchmark ended, or did not listen in time, when it was started.",
    action: "The message has the end of what it said; that is the reason.",
  },
  BENCH_GENERATOR_FAILED: {
    meaning: "A load generator ended with an error or gave figures that cannot be read.",
    action: "Run the command that the message names by hand; another version of it may print other text.",
  },
  BENCH_WRONG_ANSWER: {
    meaning: "A proxy answered the first request of a scenario with something else than the backend's answer.",
    action: "Look at that proxy's configuration for the scenario; it is left out of the scenario's rows.",
  },
  BENCH_CLIENT_FAILED: {
    meaning: "A client that holds connections or reads slowly lost one, or could not open it.",
    action: "Look at the limit of open files (`ulimit -n`), and at whether the proxy ended.",
  },
  BENCH_INTERRUPTED: {
    meaning: "The benchmark was told to stop before it was done.",
    action: "Nothing: all that it started has been ended and its files are removed.",
  },
  BENCH_NO_FREE_PORT: {
    meaning: "None of the ports that were tried is free.",
    action: "Look at what listens on 127.0.0.1 (`ss -ltn`).",
  },
} as const;

/** Every code of `BENCH_ERRORS`. */
export type BenchErrorCode = keyof typeof BENCH_ERRORS;
