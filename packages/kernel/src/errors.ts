/** The codes that the kernel itself throws, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const KERNEL_ERRORS = {
  KERNEL_ASSERTION_FAILED: {
    meaning: "The program broke one of its own rules; its state can no longer be trusted.",
    action: "Report it with the message and the stack; the worker ends and is replaced.",
  },
  KERNEL_CHANNEL_FAILED: {
    meaning: "Two processes could not be connected to pass connections from one to the other.",
    action: "Nothing: the process that has the connections keeps them. The message has the system's reason.",
  },
  KERNEL_INVALID_ARGUMENT: {
    meaning: "A kernel object was created with an option outside its documented range.",
    action: "Correct the option that the message names.",
  },
  KERNEL_LISTEN_FAILED: {
    meaning: "An address could not be listened on; the message has the system's reason.",
    action: "Free the port, choose another, or run with the right to use it.",
  },
  KERNEL_WAIT_ABORTED: {
    meaning: "A wait was given up because its abort signal fired.",
    action: "Nothing: the caller asked for it. The signal's reason is the cause of this error.",
  },
} as const;

/** Every code of `KERNEL_ERRORS`. */
export type KernelErrorCode = keyof typeof KERNEL_ERRORS;
