/** Bytes of a PROXY protocol header: addresses and the usual TLVs; a longer one is refused before it is gathered. */
export const PROXY_HEADER_BYTES_MAX = 4096;

/** Bytes of a ClientHello whose server name is read for passthrough: post-quantum key shares and tickets fit. */
export const CLIENT_HELLO_BYTES_MAX = 65_536;

/** Bytes that are gathered to tell what a connection speaks. */
export const OPENING_BYTES_MAX = 70_000;

/** How long a client that is refused before there is a session may take to read why, in milliseconds. */
export const REFUSAL_LINGER_MS = 1000;

/** Connections the system holds per listening socket until a worker accepts them. */
export const LISTEN_BACKLOG = 4096;

/** Hosts that one TCP connection is tried at before the client is let down. */
export const TUNNEL_TRIES_MAX = 3;
