/** What the process tells its caller: 0 done, 1 the operation failed, 2 wrong usage or invalid configuration. */
export const EXIT_CODE = { done: 0, failed: 1, usage: 2 } as const;

/** One of the values of {@link EXIT_CODE}. */
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
