import type { Answer } from "@weft/contract";
import { assert, type OutputBuffer } from "@weft/kernel";
import { encodeResponseHead } from "./encode.ts";
import { BODY_LENGTH } from "./frame.ts";

/** Writes the whole answer to a request by `method` that the session refuses: the connection ends after it. */
export function writeFinalAnswer(output: OutputBuffer, { head, body }: Answer, method: string): void {
  const isEncoded = encodeResponseHead(output, head, BODY_LENGTH, "close", "");
  assert(isEncoded && head.contentLength === body.length, "an answer of our own is whole and sound");
  if (method !== "HEAD") output.writeBytes(body, 0, body.length);
}
