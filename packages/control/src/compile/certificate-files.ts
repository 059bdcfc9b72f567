import { posix } from "node:path";
import type { LoadedResource } from "../load/finding.ts";

/** Texts of the files that Certificates name, or why they cannot be read, by `attachmentPath`. */
export type Attachments = ReadonlyMap<string, { readonly text: string } | { readonly fault: string }>;

/** Where a file that a resource names is, given the resource's own file: relative to its folder. */
export function attachmentPath(resourceFile: string, path: string): string {
  return posix.isAbsolute(path) ? path : posix.join(posix.dirname(resourceFile), path);
}

/** Every file that the Certificates among `resources` name. */
export function attachmentPaths(resources: readonly LoadedResource[]): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const { resource, source } of resources) {
    if (resource.kind !== "Certificate") continue;
    const { certificateFile, keyFile, caFile } = resource.spec;
    for (const path of [certificateFile, keyFile, caFile]) {
      if (path !== undefined) paths.add(attachmentPath(source.file, path));
    }
  }
  return paths;
}
