import type { Fields, RequestHead } from "@weft/contract";
import { HOPS_FIELD, isEdgeField } from "./edge-fields.ts";

/**
 * Makes heads as they leave, for the requests of one connection: at the edge with X-Forwarded-* set anew, inside the
 * mesh with X-Forwarded-For extended, everywhere with the hop count raised: a circle may lead over the edge.
 *
 * RPC calls go on as they came: their frames have no place for any of it that their servers would not show to handlers.
 * A circle of theirs ends with the caller's deadline, or at the limits of the cluster that it runs through.
 *
 * All of it follows from the connection and the head, so the last result is kept: a client that repeats its head gets
 * the same object, and the encoder its memo.
 */
export class Forwarder {
  readonly #isEdge: boolean;
  readonly #address: string;
  readonly #scheme: "http" | "https";
  #from: RequestHead | null = null;
  #as: RequestHead | null = null;

  /** `address` is the client's. */
  constructor(isEdge: boolean, address: string, isTls: boolean) {
    this.#isEdge = isEdge;
    this.#address = address;
    this.#scheme = isTls ? "https" : "http";
  }

  /** `authority`: as the client asked, before any rewrite. Null after `hopsMax` proxies: the request runs in a circle. */
  forward(head: RequestHead, hopsMax: number, authority: string = head.authority): RequestHead | null {
    if (head.frame !== null) return head;
    if (this.#from === head) return this.#as;
    const hops = readHops(head.fields);
    if (hops >= hopsMax) return null;
    const scheme = this.#isEdge || head.scheme === "" ? this.#scheme : head.scheme;
    const fields = this.#fields(head, hops + 1, authority);
    const forwarded = head.withTarget(scheme, head.authority, head.path, fields);
    this.#from = head;
    this.#as = forwarded;
    return forwarded;
  }

  #fields(head: RequestHead, hops: number, authority: string): string[] {
    const fields: string[] = [];
    let forwardedFor = "";
    for (let index = 0; index < head.fields.length; index += 2) {
      const name = head.fields[index] ?? "";
      const value = head.fields[index + 1] ?? "";
      if (name === HOPS_FIELD || (this.#isEdge && isEdgeField(name))) continue;
      if (name === "x-forwarded-for") forwardedFor += `${value}, `;
      else if (name === "max-forwards" && isTraced(head.method)) fields.push(name, oneLess(value));
      else fields.push(name, value);
    }
    fields.push("x-forwarded-for", `${forwardedFor}${this.#address}`);
    if (this.#isEdge) {
      fields.push("x-forwarded-proto", this.#scheme);
      if (authority !== "") fields.push("x-forwarded-host", authority);
    }
    fields.push(HOPS_FIELD, String(hops));
    return fields;
  }
}

/** Methods that Max-Forwards is for (RFC 9110 section 7.6.2). */
function isTraced(method: string): boolean {
  return method === "OPTIONS" || method === "TRACE";
}

/** What cannot be read is passed on as it came; 0 was answered before. */
function oneLess(maxForwards: string): string {
  return /^[0-9]{1,9}$/.test(maxForwards) ? String(Math.max(0, Number(maxForwards) - 1)) : maxForwards;
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
