import { Lexer } from "yaml";
import { DOCUMENT_DEPTH_MAX } from "../limits.ts";

/** Brackets that are open at once, counted roughly, from which on a text is looked at more closely. */
const SUSPICIOUS_DEPTH = 256;

/** As many list or key indicators at the beginning of one line. */
const SUSPICIOUS_LINE = new RegExp(`^ *(?:[-?] +){${SUSPICIOUS_DEPTH}}`, "m");

/**
 * True if flow collections, or block collections on one line, are nested so deep that parsing them would take long and
 * end in a stack overflow. Indented nesting needs no such look: its size grows with the square of its depth.
 */
export function isTooDeepToParse(text: string): boolean {
  return (roughDepth(text) > SUSPICIOUS_DEPTH || SUSPICIOUS_LINE.test(text)) && exactDepth(text) > DOCUMENT_DEPTH_MAX;
}

/** Open brackets, those in texts and comments included: cheap, and off only for odd texts. */
function roughDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth);
    else if ((char === 0x5d || char === 0x7d) && depth > 0) depth--;
  }
  return deepest;
}

function exactDepth(text: string): number {
  let flow = 0;
  let line = 0;
  let deepest = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow--;
    else if (token === "-" || token === "?") line++;
    else if (token === "\n" || token === "\r\n") line = 0;
    deepest = Math.max(deepest, flow + line);
    if (deepest > DOCUMENT_DEPTH_MAX) break;
  }
  return deepest;
}
