/**
 * The first thing that a bundled process runs: stack traces name files and lines of the source. Node's own support reads all
 * source maps at the start, which takes longer than the start itself; here the map of a file is read when a trace needs it.
 */
import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { fileURLToPath } from "node:url";

/** By URL of the bundled file; null for files without a map. */
const maps = new Map<string, SourceMap | null>();

function mapOf(url: string): SourceMap | null {
  let map = maps.get(url);
  if (map === undefined) {
    try {
      map = new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, "utf8")) as SourceMapPayload);
    } catch {
      map = null;
    }
    maps.set(url, map);
  }
  return map;
}

/** `at name (file:line:column)` as V8 writes it, with the position in the source. */
function renderSite(site: NodeJS.CallSite): string {
  // oxlint-disable-next-line typescript/no-base-to-string -- V8's call sites render themselves; their type does not say so
  const text = site.toString();
  const url = site.getFileName();
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  if (url === null || url === undefined || !url.startsWith("file:") || line === null || column === null) return text;
  const origin = mapOf(url)?.findEntry(line - 1, column - 1);
  if (origin === undefined || !("originalSource" in origin)) return text;
  const { originalSource, originalLine, originalColumn } = origin;
  const source = new URL(originalSource, url).href;
  return text.replace(`${url}:${line}:${column}`, `${source}:${originalLine + 1}:${originalColumn + 1}`);
}

Error.prepareStackTrace = (error, sites) => {
  const headline = String(error);
  return [headline, ...sites.map((site) => `    at ${renderSite(site)}`)].join("\n");
};
