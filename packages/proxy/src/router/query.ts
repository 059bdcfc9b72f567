import { hexDigit } from "../path/index.ts";

const ENCODED = /[%+]/;

/**
 * The first value of query parameter `name` in `path` ("/a?x=1&y=2"), or undefined. Names and values are decoded
 * (percent escapes and `+`) to latin1 strings, one character per byte; a bad escape stands for itself. A parameter
 * without `=` has the value "".
 */
export function queryValue(path: string, name: string): string | undefined {
  let start = path.indexOf("?") + 1;
  if (start === 0) return undefined;
  while (start <= path.length) {
    let end = path.indexOf("&", start);
    if (end < 0) end = path.length;
    let equals = path.indexOf("=", start);
    if (equals < 0 || equals > end) equals = end;
    if (isName(path, start, equals, name)) return equals === end ? "" : decodeQuery(path.slice(equals + 1, end));
    start = end + 1;
  }
  return undefined;
}

function isName(path: string, start: number, end: number, name: string): boolean {
  // A decoded name is shorter than its encoded form, or as long where `+` stands for a space.
  if (end - start < name.length) return false;
  const raw = path.slice(start, end);
  return raw === name ? !ENCODED.test(name) : ENCODED.test(raw) && decodeQuery(raw) === name;
}

function decodeQuery(text: string): string {
  if (!ENCODED.test(text)) return text;
  let decoded = "";
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "+") {
      decoded += " ";
      continue;
    }
    const high = character === "%" ? hexDigit(text.charCodeAt(index + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(index + 2));
    if (low < 0) {
      decoded += character;
      continue;
    }
    decoded += String.fromCharCode(high * 16 + low);
    index += 2;
  }
  return decoded;
}
