import type { ResourceProblem, World } from "@weft/contract";
import { type Clock, sleep } from "@weft/kernel";
import type { Attachments } from "../compile/certificate-files.ts";
import type { CompileOutcome } from "../compile/compile-world.ts";
import type { WorldDefaults } from "../compile/defaults.ts";
import {
  CERTIFICATE_GRACE_MS,
  CERTIFICATE_GRACE_STEP_MS,
  WATCH_QUIET_MS,
  WATCH_UNSTABLE_READS_MAX,
} from "../limits.ts";
import type { ResourceFile } from "../load/documents.ts";
import { type Finding, FindingLog, type LoadedResource } from "../load/finding.ts";
import { linkResources, type ParsedFiles, parseResources } from "../load/load-resources.ts";
import type { FileScanner, PathFault, ScannedFolder } from "./folder-reader.ts";

/** Everything that one reading of files came to. */
export interface ResourceReading {
  readonly files: readonly ResourceFile[];
  readonly faults: readonly PathFault[];
  readonly attachments: Attachments;
  readonly attachmentPaths: ReadonlySet<string>;
  readonly folders: readonly ScannedFolder[];
  /** False if files changed while they were read. */
  readonly isStable: boolean;
  /** True if every text is the same as in the reading before; then the rest is taken from it. */
  readonly isUnchanged: boolean;
  readonly resources: readonly LoadedResource[];
  readonly findings: readonly Finding[];
  /** The findings with their lines. */
  readonly problems: readonly ResourceProblem[];
  /** To be used only where there are no problems. */
  readonly world: World;
  readonly compiled: CompileOutcome;
}

type ParseCache = Map<string, { readonly text: string; readonly parsed: ParsedFiles }>;

/** Turns files into readings; documents of unchanged files are not parsed again. */
export class ResourceReader {
  readonly #folders: FileScanner;
  readonly #defaults: WorldDefaults;
  readonly #clock: Clock;
  #parsed: ParseCache = new Map();
  #isClosed: boolean = false;

  constructor(folders: FileScanner, defaults: WorldDefaults, clock: Clock) {
    this.#folders = folders;
    this.#defaults = defaults;
    this.#clock = clock;
  }

  /**
   * Reads what is there. What equals `previous` is taken from there. Certificates and keys are files of their own and are
   * renewed one after the other: where all that is wrong may be that, it is looked at again until all is well, or for
   * `CERTIFICATE_GRACE_MS`; so are links that have come to lead nowhere, which may be an instant of a swap. Nothing is held
   * up by that, as a set is taken whole or not at all.
   */
  async read(revision: number, previous: ResourceReading | null): Promise<ResourceReading> {
    const first = await this.#readWhole(revision, previous);
    if (previous === null || !isBeingRenewed(first, previous)) return first;
    const untilMs = this.#clock.nowMs() + CERTIFICATE_GRACE_MS;
    let reading = first;
    while (!this.#isClosed && this.#clock.nowMs() < untilMs && isBeingRenewed(reading, previous)) {
      await sleep(this.#clock, CERTIFICATE_GRACE_STEP_MS);
      reading = await this.#readWhole(revision, reading);
    }
    const { folders, isStable } = reading;
    const isUnchanged = isStable && isSameInput(previous, reading);
    return isUnchanged ? { ...previous, folders, isStable, isUnchanged } : { ...reading, isUnchanged };
  }

  /** Ends the wait of a `read` for the rest of a renewal. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Reads until nothing changes during the reading, at most `WATCH_UNSTABLE_READS_MAX` times. A file that is gone, behind a
   * link or not, is looked for twice, because some writers delete before they write.
   */
  async #readWhole(revision: number, previous: ResourceReading | null): Promise<ResourceReading> {
    let isShrinkingSeen = false;
    for (let tries = 1; tries < WATCH_UNSTABLE_READS_MAX; tries++) {
      const reading = await this.#readOnce(revision, false, previous);
      const isShrinking = previous === null ? reading.faults.some(isDeadLink) : isSmaller(reading, previous);
      if (reading.isStable && (!isShrinking || isShrinkingSeen)) return reading;
      isShrinkingSeen = isShrinking;
      await sleep(this.#clock, WATCH_QUIET_MS);
    }
    return this.#readOnce(revision, true, previous);
  }

  /** `isLastTry`: that files change while they are read is now a problem itself. */
  async #readOnce(revision: number, isLastTry: boolean, previous: ResourceReading | null): Promise<ResourceReading> {
    const roots = this.#folders.roots.join(", ");
    const scan = await this.#folders.scan();
    const parsed = this.#parse(scan.files);
    const { attachments, isStable: areAttachmentsStable } = await this.#readAttachments(parsed.attachmentPaths);
    this.#folders.retain(new Set([...scan.files.map(({ path }) => path), ...parsed.attachmentPaths]));
    const isStable = scan.isStable && areAttachmentsStable;
    const faults = [...scan.faults];
    if (!isStable && isLastTry) {
      faults.push({ path: roots, expected: "files that do not change all the time", isDeadLink: false });
    }
    const shown = { files: scan.files, faults, attachments };
    const isUnchanged = previous !== null && isStable && isSameInput(previous, shown);
    if (isUnchanged) return { ...previous, folders: scan.folders, isStable, isUnchanged };
    const log = new FindingLog();
    for (const { path, expected } of faults) {
      log.add({ file: path, document: 0, kind: "", namespace: "", name: "" }, [], undefined, expected, NO_LINE);
    }
    if (parsed.resources.length === 0 && faults.length === 0 && parsed.findings.length === 0) {
      const source = { file: roots, document: 0, kind: "", namespace: "", name: "" };
      log.add(source, [], undefined, "at least one resource in files *.yaml, *.yml or *.json", NO_LINE);
    }
    const all = { ...parsed, findings: [...log.findings(), ...parsed.findings] };
    const { findings, problems, compiled } = linkResources(all, attachments, scan.files, this.#defaults, revision);
    return {
      ...shown,
      attachmentPaths: parsed.attachmentPaths,
      folders: scan.folders,
      isStable,
      isUnchanged,
      resources: parsed.resources,
      findings,
      problems,
      world: compiled.world,
      compiled,
    };
  }

  #parse(files: readonly ResourceFile[]): ParsedFiles {
    const cache: ParseCache = new Map();
    for (const file of files) {
      const known = this.#parsed.get(file.path);
      const parsed = known !== undefined && known.text === file.text ? known.parsed : parseResources([file]);
      cache.set(file.path, { text: file.text, parsed });
    }
    this.#parsed = cache;
    const all = [...cache.values()].map(({ parsed }) => parsed);
    return {
      resources: all.flatMap(({ resources }) => resources),
      attachmentPaths: new Set(all.flatMap(({ attachmentPaths }) => [...attachmentPaths])),
      findings: all.flatMap(({ findings }) => findings),
    };
  }

  async #readAttachments(
    paths: ReadonlySet<string>,
  ): Promise<{ readonly attachments: Attachments; readonly isStable: boolean }> {
    const attachments = new Map<string, { readonly text: string } | { readonly fault: string }>();
    let isStable = true;
    for (const path of paths) {
      const outcome = await this.#folders.readAttachment(path);
      if (outcome === "changed") isStable = false;
      else attachments.set(path, outcome);
    }
    return { attachments, isStable };
  }
}

const NO_LINE = { position: { line: 0, column: 0 } };

/** True if a file of `previous` is not there any more. */
function isSmaller(reading: ResourceReading, previous: ResourceReading): boolean {
  const paths = new Set(reading.files.map(({ path }) => path));
  return previous.files.some(({ path }) => !paths.has(path));
}

function isDeadLink(fault: PathFault): boolean {
  return fault.isDeadLink;
}

/**
 * True if the next look may find the rest of a change: a link leads nowhere that did not in `previous`, or all that is wrong
 * with a reading is about files that a Certificate names and that have changed since.
 */
function isBeingRenewed({ faults, findings, attachments }: ResourceReading, previous: ResourceReading): boolean {
  const known = new Set(previous.faults.filter(isDeadLink).map(({ path }) => path));
  // What else is wrong then may be for want of what was behind the link.
  if (faults.some((fault) => fault.isDeadLink && !known.has(fault.path))) return true;
  const hasChanged = (path: string): boolean => {
    const [content, before] = [attachments.get(path), previous.attachments.get(path)];
    return content !== undefined && before !== undefined && !isSameContent(content, before);
  };
  return findings.length > 0 && findings.every((finding) => finding.attachments.some(hasChanged));
}

type Input = Pick<ResourceReading, "files" | "faults" | "attachments">;

function isSameInput(left: Input, right: Input): boolean {
  return (
    left.files.length === right.files.length &&
    left.faults.length === right.faults.length &&
    left.attachments.size === right.attachments.size &&
    left.files.every(
      ({ path, text }, index) => path === right.files[index]?.path && text === right.files[index]?.text,
    ) &&
    left.faults.every(({ path, expected }, index) => {
      const other = right.faults[index];
      return other?.path === path && other.expected === expected;
    }) &&
    [...left.attachments].every(([path, content]) => {
      const other = right.attachments.get(path);
      return other !== undefined && isSameContent(content, other);
    })
  );
}

type Content = Attachments extends ReadonlyMap<string, infer Each> ? Each : never;

function isSameContent(left: Content, right: Content): boolean {
  if ("text" in left) return "text" in right && left.text === right.text;
  return "fault" in right && left.fault === right.fault;
}
