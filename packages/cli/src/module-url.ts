/**
 * Where a module of this package is, for a process that is to run it: `path` is relative to `base` and ends in ".ts", as
 * imports do. In the published package, whose files are JavaScript, the ending follows that of `base`.
 */
export function moduleUrl(path: string, base: string): URL {
  return new URL(base.endsWith(".ts") ? path : path.replace(/\.ts$/, ".js"), base);
}
