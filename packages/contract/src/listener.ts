import type { HeartbeatConfig } from "./heartbeat.ts";

/** What a listener does with a connection. */
export type ListenerProtocol =
  /** HTTP/1.x, HTTP/2, Bolt and Dubbo, told apart by ALPN or by the first bytes, within TLS as without. */
  | "http"
  /** Bytes to one weighted choice of clusters. */
  | "tcp"
  /** Bytes, the cluster chosen by the server name in the TLS ClientHello; TLS is not terminated. */
  | "tls-passthrough";

/** A certificate with its private key. The key never appears in status, dumps or logs. */
export interface CertificateConfig {
  /** For messages: the file or resource it comes from. */
  readonly name: string;
  /** PEM, leaf first. */
  readonly certificateChain: string;
  /** PEM. */
  readonly privateKey: string;
}

/** A host name that is served over TLS, and with what. */
export interface TlsHost {
  /** Lower case: "a.example", "*.example" (any number of labels), or "*": every name, and clients that name none. */
  readonly hostname: string;
  /** Names of certificates of the listener: the one made out to the name that is asked for is taken, else the first. */
  readonly certificates: readonly string[];
}

/** How a listener ends TLS. */
export interface ListenerTls {
  /** At least one, with names of their own; the first is for clients that name no host. */
  readonly certificates: readonly CertificateConfig[];
  /**
   * The hosts that are served, each a TLS server of its own: a name that belongs to none is refused in the handshake
   * (unrecognized_name), a request for another host than the connection's is answered 421. Empty: one host "*" with
   * all certificates.
   */
  readonly hosts: readonly TlsHost[];
  /** PEM bundle that client certificates are checked against; "" accepts none. */
  readonly clientCa: string;
  /**
   * Whether clients are asked for a certificate, and who is let in: with "requested" everybody, with "optional" who shows
   * none or one that `clientCa` vouches for, with "required" only the latter. Nothing is believed of another certificate.
   */
  readonly clientCertificate: "ignore" | "requested" | "optional" | "required";
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** ALPN protocols in order of preference. */
  readonly alpn: readonly ("h2" | "http/1.1")[];
}

/** Where a stream of plain bytes goes. */
export interface TcpRoute {
  readonly name: string;
  /** TLS passthrough: server names, exact or "*.example.com"; empty matches any. Plain TCP: empty. */
  readonly serverNames: readonly string[];
  readonly backends: readonly { readonly cluster: string; readonly weight: number }[];
}

/** One address that the proxy listens on. */
export interface ListenerConfig {
  readonly name: string;
  /** IP address; "0.0.0.0" or "::" for all. */
  readonly address: string;
  /** 0 lets the system choose; what it chose is in the status. */
  readonly port: number;
  readonly protocol: ListenerProtocol;
  /** Null: plain text. */
  readonly tls: ListenerTls | null;
  /** With `tls`: also answer plain HTTP on the same port (told apart by the first byte). */
  readonly allowsPlainText: boolean;
  readonly proxyProtocol: "off" | "optional" | "required";
  /** "http" listeners: the route table that serves requests. */
  readonly routeTable: string;
  /** "tcp" and "tls-passthrough" listeners. First match wins. */
  readonly tcpRoutes: readonly TcpRoute[];
  /**
   * True at the edge: X-Forwarded-* from outside are removed and set anew. False inside the mesh: they are kept and
   * extended.
   */
  readonly isEdge: boolean;
  /** False: requests come without colour, whatever their clients say; `x-weft-colour` is dropped before routes are asked. */
  readonly keepsColour: boolean;
  /**
   * What is done with fields whose names hold underscores: many servers take `x_user` for `x-user`, which a proxy has
   * checked or set. "reject" answers 400, "drop" leaves the field out.
   */
  readonly underscores: "reject" | "drop" | "allow";
  /**
   * Who names an HTTP request (`x-request-id`), for hosts and logs: "pass" whoever did so before, "add" makes an id where
   * there is none, "replace" always makes one, for clients that are not believed.
   */
  readonly requestId: "pass" | "add" | "replace";
  /** HTTP answers say the request's id, too, where it has one. */
  readonly echoesRequestId: boolean;
  /** HTTP requests without a valid `traceparent` get one, not sampled unless tracing samples them: hosts and logs know it. */
  readonly startsTraces: boolean;
  readonly connectionsMax: number;
  /** No request for so long on an open connection: it is closed gently. */
  readonly idleTimeoutMs: number;
  /** From a request's first byte (or the connection's start) to the end of its head; also the TLS handshake. */
  readonly headerTimeoutMs: number;
  /**
   * No byte in either direction for so long on an open stream: it is reset. So is one, or the connection, whose client
   * takes next to nothing in that time of what waits for it, also when the answer is complete on our side.
   */
  readonly streamIdleTimeoutMs: number;
  readonly headerBytesMax: number;
  readonly targetBytesMax: number;
  /** 413 above this; 0 for no limit. */
  readonly bodyBytesMax: number;
  /**
   * Bytes per second that a client must send of the body that it owes, on average over `streamIdleTimeoutMs`; 0 for any
   * pace. Without it, one byte now and then keeps a request and its place at a host for ever.
   */
  readonly bodyBytesPerSecondMin: number;
  readonly http2StreamsMax: number;
  /** Bolt and Dubbo: bytes of one frame, header included; a larger call is refused. */
  readonly rpcFrameBytesMax: number;
  /** Bolt and Dubbo: calls in progress on one connection; further ones are refused. */
  readonly rpcStreamsMax: number;
  /**
   * How clients that say nothing are asked for signs of life; Bolt clients, who can only ask themselves, are taken for
   * gone when they have been silent for `peerIdleTimeoutMs`.
   */
  readonly heartbeat: HeartbeatConfig;
}
