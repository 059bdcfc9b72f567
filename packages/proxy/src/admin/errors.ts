/** The codes of the admin server, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const ADMIN_ERRORS = {
  ADMIN_LISTEN_FAILED: {
    meaning: "The admin server cannot listen on its configured address and port.",
    action: "Choose a free port, or end the process that holds it.",
  },
  ADMIN_HOST_REFUSED: {
    meaning: "The request's Host is not an address of this admin server, as in an attack by DNS rebinding.",
    action: "Use the server's IP address or localhost.",
  },
  ADMIN_ACTION_REFUSED: {
    meaning: "An action was asked for without the proof that no web page did so.",
    action: "Send the token the server was started with, or, on loopback without one, the header x-weft-admin.",
  },
  ADMIN_TOKEN_NEEDED: {
    meaning: "The admin server listens beyond loopback, and the request to read from it lacks the token.",
    action:
      "Send the token that the server was started with (WEFT_ADMIN_TOKEN) as Authorization: Bearer, or in a browser as the password; for /metrics alone set admin.metricsOpen.",
  },
  ADMIN_NOT_FOUND: {
    meaning: "The admin server has nothing at this path.",
    action: "Choose one of the endpoints that the answer lists.",
  },
  ADMIN_METHOD_NOT_ALLOWED: {
    meaning: "This endpoint does not answer to this method.",
    action: "Use one of the methods in the answer's Allow header.",
  },
  ADMIN_REQUEST_INVALID: {
    meaning: "A parameter or the body of the request is malformed or too long.",
    action: "Correct what the message names.",
  },
  ADMIN_BUSY: {
    meaning: "As many live views are open as the admin server serves at once.",
    action: "Close one of them, or try again later.",
  },
  ADMIN_SOURCE_FAILED: {
    meaning: "The proxy did not say in time what was asked, or failed to.",
    action: "Look at the proxy's log; a worker may be starting or stuck.",
  },
} as const;

/** Every code of `ADMIN_ERRORS`. */
export type AdminErrorCode = keyof typeof ADMIN_ERRORS;
