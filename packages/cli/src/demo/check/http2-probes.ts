import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { CHECK_REQUEST_MS_MAX } from "../limits.ts";
import { LOOPBACK } from "../shop/application.ts";
import type { RunningMesh } from "../up.ts";
import { expect, type Probe } from "./probe.ts";

const STREAMS = 50;

async function get(session: ClientHttp2Session, path: string): Promise<Record<string, unknown>> {
  const stream = session.request({ ":path": path }, { signal: AbortSignal.timeout(CHECK_REQUEST_MS_MAX) });
  const [[headers], body] = await Promise.all([
    once(stream, "response") as Promise<[Record<string, string | number>]>,
    text(stream),
  ]);
  expect(headers[":status"] === 200, `${path} answered ${headers[":status"]}: ${body.slice(0, 200)}`);
  return JSON.parse(body) as Record<string, unknown>;
}

async function manyStreams(session: ClientHttp2Session): Promise<void> {
  const answers = await Promise.all(Array.from({ length: STREAMS }, () => get(session, "/cart")));
  expect(
    answers.every(({ service }) => service === "cart"),
    "an answer is not of the cart",
  );
}

async function plain({ mesh }: RunningMesh): Promise<string> {
  const session = connect(`http://${LOOPBACK}:${mesh.httpPort}`);
  try {
    await manyStreams(session);
    return `${STREAMS} streams at once on one connection`;
  } finally {
    session.destroy();
  }
}

async function overTls({ mesh, folder }: RunningMesh): Promise<string> {
  const session = connect(`https://${LOOPBACK}:${mesh.httpsPort}`, { ca: folder.authorityPem });
  try {
    await once(session, "connect", { signal: AbortSignal.timeout(CHECK_REQUEST_MS_MAX) });
    const { alpnProtocol } = session;
    const protocol = (session.socket as TLSSocket).getProtocol();
    expect(alpnProtocol === "h2", `ALPN chose ${alpnProtocol}`);
    await manyStreams(session);
    return `${protocol}, ALPN h2, ${STREAMS} streams`;
  } finally {
    session.destroy();
  }
}

/** HTTP/2, with node:http2 at the client's end. */
export const HTTP2_PROBES: readonly Probe[] = [
  { name: "HTTP/2", run: plain },
  { name: "HTTP/2 over TLS", run: overTls },
];
