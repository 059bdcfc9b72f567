import type { ResourceProblem } from "@weft/contract";
import { type Attachments, attachmentPaths } from "../compile/certificate-files.ts";
import { type CompileOutcome, compileResources, type ResourceSet } from "../compile/compile-world.ts";
import { WORLD_DEFAULTS, type WorldDefaults } from "../compile/defaults.ts";
import { parseDocuments, type ResourceFile } from "./documents.ts";
import { type Finding, FindingLog, type LoadedResource } from "./finding.ts";
import { toProblems } from "./problems.ts";
import { validateDocument } from "./validate.ts";

/** Files, read and checked one document at a time; nothing between them is checked yet. */
export interface ParsedFiles {
  readonly resources: readonly LoadedResource[];
  /** Of Certificates among them, to be read by the caller. */
  readonly attachmentPaths: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/** Reads documents from texts and checks each by itself. */
export function parseResources(files: readonly ResourceFile[]): ParsedFiles {
  const log = new FindingLog();
  const resources: LoadedResource[] = [];
  for (const file of files) {
    for (const document of parseDocuments(file, log)) {
      const loaded = validateDocument(document, log);
      if (loaded !== undefined) resources.push(loaded);
    }
  }
  return { resources, attachmentPaths: attachmentPaths(resources), findings: log.findings() };
}

/** A set of resources with everything that is wrong with it. */
export interface LoadOutcome {
  readonly set: ResourceSet;
  /** What is wrong with the set; empty: it can be used. */
  readonly findings: readonly Finding[];
  /** The same with their lines, by file and line. */
  readonly problems: readonly ResourceProblem[];
  readonly compiled: CompileOutcome;
}

/** The second half of loading: what lies between the resources, and the lines of all problems. */
export function linkResources(
  parsed: ParsedFiles,
  attachments: Attachments,
  files: readonly ResourceFile[],
  defaults: WorldDefaults = WORLD_DEFAULTS,
  revision: number = 1,
): LoadOutcome {
  const set = { resources: parsed.resources, attachments };
  const compiled = compileResources(set, defaults, revision);
  // A reference to a resource that did not pass its schema would be reported as dangling: first things first.
  const findings = parsed.findings.length > 0 ? parsed.findings : compiled.findings;
  return { set, findings, problems: toProblems(findings, files), compiled };
}

/**
 * Checks files in memory: `problems` has everything that is wrong with them. `attachments` are the texts of the files
 * that Certificates name.
 *
 * @example
 * const { resources, problems } = loadResources([{ path: "shop.yaml", text }]);
 * for (const problem of problems) console.error(renderProblem(problem));
 */
export function loadResources(
  files: readonly ResourceFile[],
  attachments: Attachments = new Map(),
): { readonly resources: ResourceSet; readonly problems: readonly ResourceProblem[] } {
  const { set, problems } = linkResources(parseResources(files), attachments, files);
  return { resources: set, problems };
}
