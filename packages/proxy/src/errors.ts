/** The codes of answers that the request path gives itself, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const PROXY_ERRORS = {
  PROXY_NOT_READY: {
    meaning: "The listener has no route table yet; the request is answered 503.",
    action: "Wait for the first configuration, or see why it was refused in the proxy's log.",
  },
  PROXY_BODY_TOO_LARGE: {
    meaning: "The request's body is longer than the listener's bodyBytesMax; it is answered 413.",
    action: "Send less, or raise the limit on the listener.",
  },
  PROXY_MISDIRECTED: {
    meaning:
      "The request came over a TLS connection whose server name belongs to another listener than its authority; it is answered 421.",
    action: "Nothing: browsers send it again on a connection of its own. Other clients must not share connections so.",
  },
  PROXY_METHOD_REFUSED: {
    meaning:
      "TRACE came to a listener at the edge, or its Max-Forwards was used up; it would show what proxies added, and is answered 405.",
    action: "Use another method; a route that names TRACE lets it through.",
  },
  PROXY_LOOP: {
    meaning: "The request passed more proxies of this mesh than hopsMax; it is answered 508.",
    action: "Look for a route that leads back to where it came from.",
  },
  PROXY_NO_BACKEND: {
    meaning: "The route has no backend with a weight above 0; the request is answered 500.",
    action: "Give the route a backend, or a weight.",
  },
  PROXY_CLUSTER_UNKNOWN: {
    meaning: "The route's backend is no cluster that the proxy knows; the request is answered 503.",
    action: "Add the Service that the route names, or correct the name.",
  },
  PROXY_PROTOCOL_MISMATCH: {
    meaning:
      "The route leads to a Service of another protocol (HTTP, Bolt and Dubbo are not translated into each other); the request is answered 500.",
    action: "Correct the Service's protocol, or give the route conditions that only its own callers meet.",
  },
  PROXY_TIMEOUT: {
    meaning:
      "The route's time for the whole request, or the caller's own (gRPC, Bolt, Dubbo) where it is shorter, was up before the answer was complete; it is answered 504, in gRPC DEADLINE_EXCEEDED.",
    action: "Find what is slow behind the route, or raise its timeout or the caller's deadline.",
  },
  PROXY_BODY_TIMEOUT: {
    meaning:
      "The client owed the rest of its body and sent nothing for streamIdleTimeoutMs; the request is answered 408.",
    action: "Look at the client's network; raise the listener's timeout for clients that pause.",
  },
  PROXY_BODY_TOO_SLOW: {
    meaning:
      "The client sent less of its body than the listener's bodyBytesPerSecondMin, on average over streamIdleTimeoutMs; the request is answered 408.",
    action:
      "Look at the client's network; lower the listener's minimum for clients that pause by nature, or have them use gRPC or WebSocket.",
  },
  PROXY_STREAM_IDLE: {
    meaning:
      "No byte moved in either direction for the listener's streamIdleTimeoutMs; the request is answered 504, a tunnel (WebSocket, CONNECT) is closed.",
    action: "Raise the timeout for long polls, or send keepalives.",
  },
  PROXY_FAULT_INJECTED: {
    meaning: "A fault filter on the route aborted the request with the status it is told to use.",
    action: "Nothing: somebody tests how clients bear it. Remove the fault filter to end it.",
  },
  UPSTREAM_CONNECT_FAILED: {
    meaning: "No connection to any host that was tried could be made; the request was never sent and is answered 503.",
    action: "Check that the hosts listen and can be reached; the log names them and the reason.",
  },
  UPSTREAM_RESET: {
    meaning: "The host closed the connection or reset the stream before it answered; the request is answered 502.",
    action: "See the host's own log for why it gave up.",
  },
  UPSTREAM_PROTOCOL_ERROR: {
    meaning: "The host's answer breaks its protocol; nothing of it is passed on, the request is answered 502.",
    action: "See the reason in the proxy's log; check that the Service's protocol is right.",
  },
  UPSTREAM_TIMEOUT: {
    meaning: "The host did not answer in the time that the route or the cluster gives a try; it is answered 504.",
    action: "Find what is slow at the host, or raise the timeout.",
  },
  UPSTREAM_SILENT: {
    meaning:
      "The host gave no sign of life while the request waited: it answered no heartbeat, and its connection was given up. The request is answered 502.",
    action: "See whether the host is frozen, overloaded or cut off from the network.",
  },
  UPSTREAM_NO_UPGRADE: {
    meaning:
      "The hosts that were tried speak HTTP/2 and do not take upgrades such as WebSocket (extended CONNECT, RFC 8441); the request was not sent and is answered 502.",
    action:
      "Turn extended CONNECT on at the hosts (SETTINGS_ENABLE_CONNECT_PROTOCOL), or give the Service protocol http1.",
  },
  UPSTREAM_DRAIN_DEADLINE: {
    meaning:
      "The host was taken out or is reached in another way now, and POOL_DRAIN_MS_MAX later the request was still open.",
    action: "Nothing where clients connect again by themselves; else give streams an end of their own before that.",
  },
  UPSTREAM_OVERLOADED: {
    meaning:
      "The host refused the request unprocessed, or no connection to it became free in time; it is answered 503.",
    action: "Add hosts, or raise the pool's and the host's limits.",
  },
} as const;

/** Every code of `PROXY_ERRORS`. */
export type ProxyErrorCode = keyof typeof PROXY_ERRORS;
