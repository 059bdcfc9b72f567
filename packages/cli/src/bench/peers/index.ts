import { CADDY } from "./caddy.ts";
import { HAPROXY } from "./haproxy.ts";
import { NGINX } from "./nginx.ts";
import { NODE_HTTP, NODE_HTTP2 } from "./node.ts";
import type { Peer } from "./peer.ts";
import { WEFT } from "./weft.ts";

/** All peers, in the order of the report; the first is ours. */
export const PEERS: readonly Peer[] = [WEFT, NGINX, HAPROXY, CADDY, NODE_HTTP, NODE_HTTP2];
