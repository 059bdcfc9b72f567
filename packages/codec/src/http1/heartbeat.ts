/**
 * HTTP/1 has no heartbeat: a connection that is idle says nothing, and only a request would tell whether its peer is
 * still there. So `ping()` of a client session answers false, and what keeps idle connections healthy is
 *
 * - the pool's idle timeout, shorter than the server's, and
 * - this codec's rule that any byte or FIN on an idle upstream connection ends it before it is used again.
 */
export const CAN_PING = false;
