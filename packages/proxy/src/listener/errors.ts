/** The codes of listeners, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const LISTENER_ERRORS = {
  LISTENER_CERTIFICATE_INVALID: {
    meaning: "A certificate or its key cannot be used; the listener keeps the certificates it had.",
    action: "Check that the PEM files are whole, that the key belongs to the certificate and that it has not expired.",
  },
  LISTENER_CLIENT_HELLO_INVALID: {
    meaning: "A connection to a TLS passthrough listener does not begin with a valid ClientHello; it is closed.",
    action: "Nothing, unless it is a client of yours: it speaks something else than TLS.",
  },
  LISTENER_OPENING_TIMEOUT: {
    meaning: "A connection did not say in time what it speaks, or did not finish its TLS handshake; it is closed.",
    action: "Raise headerTimeoutMs for very slow clients.",
  },
  LISTENER_PROXY_HEADER_INVALID: {
    meaning:
      "A PROXY protocol header is malformed, has a wrong checksum, or is required and absent; the connection is closed.",
    action: "Make the load balancer in front send the header, or turn the listener's proxyProtocol off.",
  },
  LISTENER_SERVER_NAME_UNKNOWN: {
    meaning:
      "A TLS client names a host that no listener of the port serves (for passthrough: no route), or none where each has a host name; it is refused with the alert unrecognized_name.",
    action: "Correct the client's host name, or add a listener for it; one without host name takes every client.",
  },
  LISTENER_TLS_REQUIRED: {
    meaning:
      "A client speaks plain text on a listener that takes only TLS; plain HTTP is answered 400, and the connection is closed.",
    action: "Use https, or allow plain text on the listener.",
  },
  LISTENER_UNKNOWN_PROTOCOL: {
    meaning: "A connection's first bytes are nothing that the listener speaks; it is closed.",
    action: "Check the client's URL and the listener's protocol.",
  },
} as const;
