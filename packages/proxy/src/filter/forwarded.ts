import { type Fields, RequestHead } from "@weft/contract";
import type { DownstreamConnection } from "../downstream/index.ts";

/** Counts the proxies of this mesh that a request passed. */
const HOPS_FIELD = "x-weft-hops";

/** What only a proxy at the edge may say; clients that send these are not believed. */
const EDGE_FIELDS: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
  HOPS_FIELD,
]);

/**
 * The head as it leaves: at the edge with X-Forwarded-* set anew from the connection, inside the mesh with them as they
 * came, everywhere with the hop count raised. Null when the request has passed `hopsMax` proxies: it runs in a circle.
 *
 * All of it follows from the connection and the head, so the last result is kept on the connection: a client that
 * repeats its head gets the same object, and the encoder its memo.
 */
export function forwardHead(connection: DownstreamConnection, head: RequestHead, hopsMax: number): RequestHead | null {
  if (connection.forwardedFrom === head) return connection.forwardedAs;
  const { isEdge } = connection.listener.config;
  const hops = isEdge ? 0 : readHops(head.fields);
  if (hops >= hopsMax) return null;
  const { peer } = connection;
  const fields: string[] = [];
  for (let index = 0; index < head.fields.length; index += 2) {
    const name = head.fields[index] ?? "";
    if (name === HOPS_FIELD || (isEdge && EDGE_FIELDS.has(name))) continue;
    fields.push(name, head.fields[index + 1] ?? "");
  }
  const scheme = peer.isTls ? "https" : "http";
  if (isEdge) {
    fields.push("x-forwarded-for", peer.address, "x-forwarded-proto", scheme);
    if (head.authority !== "") fields.push("x-forwarded-host", head.authority);
  }
  fields.push(HOPS_FIELD, String(hops + 1));
  const forwarded = new RequestHead(
    head.method,
    isEdge || head.scheme === "" ? scheme : head.scheme,
    head.authority,
    head.path,
    fields,
    head.contentLength,
    head.upgrade,
    head.expectsContinue,
  );
  connection.forwardedFrom = head;
  connection.forwardedAs = forwarded;
  return forwarded;
}

/** A count that cannot be read is taken for an attempt to hide one. */
function readHops(fields: Fields): number {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== HOPS_FIELD) continue;
    const text = fields[index + 1] ?? "";
    return /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  }
  return 0;
}
