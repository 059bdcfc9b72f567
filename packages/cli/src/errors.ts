/** The codes of the command line and of the processes that it runs. */
export const CLI_ERRORS = {
  CLI_WORKER_START_FAILED: {
    meaning: "A worker process ended or fell silent before it was ready.",
    action: "Look at the log lines of that worker just before this one; they name the reason.",
  },
  CLI_WORKER_GONE: {
    meaning: "A worker process ended while it was asked something.",
    action: "Nothing: the supervisor replaces it; the reason is in the log.",
  },
  CLI_WORKER_SILENT: {
    meaning: "A worker process did not answer its supervisor in time.",
    action: "Look at the worker's CPU use; a worker that stays busy for so long serves no request either.",
  },
  CLI_ADMIN_UNREACHABLE: {
    meaning: "No admin server answered at the address that was asked.",
    action: "Start `weft up` or `weft proxy`, or name the address of one that runs with `--admin`.",
  },
  CLI_ADMIN_REFUSED: {
    meaning: "The admin server answered, but not with what was asked for.",
    action: "The message has its answer; it says what was wrong with the question.",
  },
  CLI_ADMIN_STRANGER: {
    meaning: "What answered at the address of the admin server is another program.",
    action: "Name the address of an admin server of Weft with `--admin`; `weft proxy` logs its own when it starts.",
  },
  CLI_PORT_UNAVAILABLE: {
    meaning: "No port could be chosen for a listener with port 0 on its address.",
    action: "Give the listener an address of this machine.",
  },
  CLI_PORT_TAKEN: {
    meaning: "Another process listens on an address that a listener or the admin server is to listen on.",
    action: "End the process that the message names, choose another port, or say `--share-ports` if both are to serve.",
  },
  CLI_FOLDER_NOT_EMPTY: {
    meaning: "The folder given for the files of the demo mesh has something in it.",
    action: "Name a folder that is empty or does not exist, or leave `--dir` out.",
  },
  CLI_FOLDER_UNUSABLE: {
    meaning: "The folder for the files of the demo mesh cannot be made, read or written.",
    action:
      "The message has the system's reason; name another with `--dir`, or a folder for temporary files with TMPDIR.",
  },
  CLI_MESH_START_FAILED: {
    meaning: "A process of the demo mesh ended, or was not ready in time, while the mesh was started.",
    action:
      "The message has the end of that process's log; a port that another program took meanwhile is the usual reason.",
  },
} as const;

/** Every code of `CLI_ERRORS`. */
export type CliErrorCode = keyof typeof CLI_ERRORS;
