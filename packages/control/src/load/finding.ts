import type { Resource, ResourceProblem } from "@weft/contract";
import { PROBLEMS_MAX } from "../limits.ts";

/** Where a document comes from and what it calls itself, as far as it does. */
export interface DocumentSource {
  readonly file: string;
  /** Index of the document in its file, from 0. */
  readonly document: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A resource whose own fields are right, with its place of origin. */
export interface LoadedResource<R extends Resource = Resource> {
  readonly resource: R;
  readonly source: DocumentSource;
}

/** Keys and indices from the root of a document. */
export type FieldPath = readonly (string | number)[];

/** A problem before its line is looked up. */
export interface Finding {
  readonly source: DocumentSource;
  readonly path: FieldPath;
  /** What is there; undefined where something is missing. */
  readonly value: unknown;
  readonly expected: string;
  readonly condition: ResourceProblem["condition"];
  readonly reason: string;
  /** True where the name of the field is wrong rather than its value. */
  readonly isKey: boolean;
  /** The files that it is about, by `attachmentPath`, where it is about what lies in files that a resource names. */
  readonly attachments: readonly string[];
  /** Where the parser said it: for documents that cannot be read as such. */
  readonly position: { readonly line: number; readonly column: number } | null;
}

/** What a check says; the rest has defaults: condition Accepted, reason Invalid. */
export interface FindingDetail {
  readonly condition?: Finding["condition"];
  readonly reason?: string;
  readonly isKey?: boolean;
  readonly attachments?: Finding["attachments"];
  readonly position?: Finding["position"];
}

/** Collects findings, each once, at most `PROBLEMS_MAX`. */
export class FindingLog {
  readonly #byKey: Map<string, Finding> = new Map();

  add(source: DocumentSource, path: FieldPath, value: unknown, expected: string, detail: FindingDetail = {}): void {
    if (this.#byKey.size >= PROBLEMS_MAX) return;
    const { condition = "Accepted", reason = "Invalid", isKey = false, attachments = [], position = null } = detail;
    const place = position === null ? "" : `${position.line}:${position.column}`;
    const key = `${source.file}\n${source.document}\n${path.join("\n")}\n${expected}\n${place}`;
    if (this.#byKey.has(key)) return;
    this.#byKey.set(key, { source, path, value, expected, condition, reason, isKey, attachments, position });
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  findings(): readonly Finding[] {
    return [...this.#byKey.values()];
  }
}

/** Value at `path` in plain data, or undefined. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
