import type { SessionProtocol } from "@weft/contract";

/** What a protocol is called. */
interface ProtocolName {
  /** As access logs write it. */
  readonly log: string;
  /** As OpenTelemetry writes `network.protocol.name` and `network.protocol.version`; "" for none. */
  readonly name: string;
  readonly version: string;
}

/** The names of everything that is spoken on connections. */
export const PROTOCOL_NAMES: Readonly<Record<SessionProtocol, ProtocolName>> = {
  http1: { log: "HTTP/1.1", name: "http", version: "1.1" },
  http2: { log: "HTTP/2", name: "http", version: "2" },
  bolt: { log: "Bolt", name: "bolt", version: "" },
  dubbo: { log: "Dubbo", name: "dubbo", version: "" },
};
