import type { OutputBuffer } from "@weft/kernel";
import { statusLine } from "./status.ts";

/**
 * Writes an answer that the session itself gives: the connection ends after it. Its text is made of our own words only;
 * nothing of the request comes back.
 */
export function writeErrorAnswer(output: OutputBuffer, status: number, message: string, hasBody: boolean): void {
  const body = `${message}\n`;
  const head =
    `${statusLine(status) ?? ""}content-type: text/plain\r\ncontent-length: ${body.length}\r\n` +
    "connection: close\r\n\r\n";
  output.writeLatin1(hasBody ? head + body : head);
}
