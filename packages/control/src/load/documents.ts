import { type Document, isNode, isPair, isScalar, isMap, LineCounter, parseAllDocuments } from "yaml";
import { DOCUMENT_ALIASES_MAX, DOCUMENT_DEPTH_MAX, FILE_DOCUMENTS_MAX, RESOURCE_FILE_BYTES_MAX } from "../limits.ts";
import { findAliasFault } from "./alias-fault.ts";
import { isTooDeepToParse } from "./nesting.ts";
import type { DocumentSource, FieldPath, FindingLog } from "./finding.ts";

/** One YAML or JSON file as text. */
export interface ResourceFile {
  /** As it is to be shown in messages. */
  readonly path: string;
  readonly text: string;
}

/** A document as plain data, not checked yet. */
export interface PlainDocument {
  readonly source: DocumentSource;
  readonly value: unknown;
}

const PARSE_OPTIONS = { prettyErrors: false, strict: true, uniqueKeys: true, logLevel: "silent" } as const;

/**
 * Splits a file into documents. JSON is read as the YAML that it is. What cannot be read becomes findings; documents
 * without content (comments only) are skipped, but a file without any text is a finding: it is half written.
 */
export function parseDocuments(file: ResourceFile, log: FindingLog): PlainDocument[] {
  const whole = sourceOf(file.path, 0, undefined);
  if (Buffer.byteLength(file.text) > RESOURCE_FILE_BYTES_MAX) {
    log.add(whole, [], undefined, `at most ${RESOURCE_FILE_BYTES_MAX} bytes in a file`, { position: NOWHERE });
    return [];
  }
  if (file.text.trim() === "") {
    const expected = "at least one resource (delete the file to remove what it held)";
    log.add(whole, [], undefined, expected, { position: NOWHERE });
    return [];
  }
  const lines = new LineCounter();
  const documents = parseAll(file.text, lines);
  if (documents === undefined) {
    log.add(whole, [], undefined, `at most ${DOCUMENT_DEPTH_MAX} levels of nesting`, { position: NOWHERE });
    return [];
  }
  if (documents.length > FILE_DOCUMENTS_MAX) {
    log.add(whole, [], undefined, `at most ${FILE_DOCUMENTS_MAX} documents in a file`, { position: NOWHERE });
    return [];
  }
  const plain: PlainDocument[] = [];
  for (const [index, document] of documents.entries()) {
    const value = toPlain(document, file.path, index, lines, log);
    if (value !== undefined && value !== null) plain.push({ source: sourceOf(file.path, index, value), value });
  }
  return plain;
}

/** For findings that concern a whole file. */
const NOWHERE = { line: 0, column: 0 };

function parseAll(text: string, lineCounter: LineCounter): readonly Document.Parsed[] | undefined {
  if (isTooDeepToParse(text)) return undefined;
  const documents = parseAllDocuments(text, { ...PARSE_OPTIONS, lineCounter });
  if (!Array.isArray(documents)) return [];
  const isOverflow = documents.some(({ errors }) => errors.some(({ message }) => STACK_OVERFLOW.test(message)));
  return isOverflow ? undefined : documents;
}

/** How the parser, which descends recursively, reports that nesting has used up the stack. */
const STACK_OVERFLOW = /maximum call stack size exceeded|stack overflow/i;

function toPlain(document: Document.Parsed, file: string, index: number, lines: LineCounter, log: FindingLog): unknown {
  const source = sourceOf(file, index, undefined);
  const faults = [...document.errors, ...document.warnings];
  for (const { message, pos } of faults) {
    const { line, col } = lines.linePos(pos[0]);
    log.add(source, [], undefined, `valid YAML: ${message}`, { position: { line, column: col } });
  }
  if (faults.length > 0) return undefined;
  try {
    const value: unknown = document.toJS({ maxAliasCount: DOCUMENT_ALIASES_MAX });
    if (isDeeper(value, DOCUMENT_DEPTH_MAX)) throw new RangeError("too deep");
    return value;
  } catch (error) {
    const fault = findAliasFault(document) ?? {
      expected:
        error instanceof RangeError
          ? `at most ${DOCUMENT_DEPTH_MAX} levels of nesting`
          : `aliases that repeat at most ${DOCUMENT_ALIASES_MAX} nodes`,
      offset: document.range[0],
    };
    const { line, col } = lines.linePos(fault.offset);
    log.add(source, [], undefined, fault.expected, { position: { line, column: col } });
    return undefined;
  }
}

/** True if plain data is nested deeper than `levels`. Goes no deeper itself. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((each) => isDeeper(each, levels - 1));
}

function sourceOf(file: string, document: number, value: unknown): DocumentSource {
  const { kind, metadata } = asRecord(value);
  const { name, namespace } = asRecord(metadata);
  return {
    file,
    document,
    kind: typeof kind === "string" ? kind : "",
    namespace: typeof namespace === "string" ? namespace : "default",
    name: typeof name === "string" ? name : "",
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Finds lines for fields of one file; made when there is a problem to report, and thrown away. */
export class FieldLocator {
  readonly #lines: LineCounter = new LineCounter();
  readonly #documents: readonly Document.Parsed[];

  constructor(text: string) {
    this.#documents = parseAll(text, this.#lines) ?? [];
  }

  /** Line and column, from 1, of the field at `path`, or of the nearest thing around it that exists. */
  locate(document: number, path: FieldPath, isKey: boolean): { line: number; column: number } {
    const root = this.#documents[document];
    if (root === undefined) return NOWHERE;
    let node: unknown = root.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const [index, key] of path.entries()) {
      const pair = isMap(node)
        ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
        : undefined;
      const wantsKey = isKey && index === path.length - 1;
      if (pair !== undefined && isPair(pair) && isNode(pair.key) && (wantsKey || !isNode(pair.value))) {
        offset = pair.key.range?.[0] ?? offset;
        break;
      }
      node = pair === undefined ? childOf(node, key) : pair.value;
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    }
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

function childOf(node: unknown, key: string | number): unknown {
  if (typeof node !== "object" || node === null || !("items" in node) || isMap(node)) return undefined;
  const { items } = node;
  return Array.isArray(items) && typeof key === "number" ? items[key] : undefined;
}
