import type { ResourceProblem } from "@weft/contract";
import { PROBLEM_VALUE_CHARS_MAX } from "../limits.ts";
import { FieldLocator, type ResourceFile } from "./documents.ts";
import type { FieldPath, Finding } from "./finding.ts";

/** Gives findings their lines, and puts them in the order of files and lines. */
export function toProblems(findings: readonly Finding[], files: readonly ResourceFile[]): ResourceProblem[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const locators = new Map<string, FieldLocator>();
  const problems = findings.map((finding) => {
    const { source, path, isKey, expected, condition, reason } = finding;
    let position = finding.position;
    if (position === null) {
      let locator = locators.get(source.file);
      if (locator === undefined) {
        locator = new FieldLocator(texts.get(source.file) ?? "");
        locators.set(source.file, locator);
      }
      position = locator.locate(source.document, path, isKey);
    }
    const { file, kind, namespace, name } = source;
    const value = path.length === 0 ? "" : renderValue(finding);
    return { file, ...position, kind, namespace, name, path: renderPath(path), value, expected, condition, reason };
  });
  return problems.sort(
    (left, right) => compareText(left.file, right.file) || left.line - right.line || left.column - right.column,
  );
}

/** Code unit order: the same on every machine. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/**
 * One line for people.
 *
 * @example
 * `routes/shop.yaml:14: HTTPRoute shop/cart spec.rules[0].backendRefs[0].port: "http" — expected an integer from 1 to 65535`
 */
export function renderProblem(problem: ResourceProblem): string {
  const { file, line, kind, namespace, name, path, value, expected } = problem;
  const place = line > 0 ? `${file}:${line}` : file;
  const resource = name === "" ? kind : `${kind} ${namespace}/${name}`;
  const field = value === "" ? path : `${path}: ${value}`;
  const subject = [resource, field].filter((part) => part !== "").join(" ");
  const wanted = subject === "" ? `expected ${expected}` : `${subject} — expected ${expected}`;
  return place === "" ? wanted : `${place}: ${wanted}`;
}

/** `["spec", "rules", 0, "a/b"]` as `spec.rules[0]["a/b"]`. */
export function renderPath(path: FieldPath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) text += `[${JSON.stringify(key)}]`;
    else text += text === "" ? key : `.${key}`;
  }
  return text;
}

/** Fields of a Secret that say what it is; all others are its secret. */
const OPEN_SECRET_FIELDS = new Set(["apiVersion", "kind", "metadata", "type"]);

function renderValue({ source, path, value }: Finding): string {
  if (value === undefined) return "missing";
  if (source.kind === "Secret" && !OPEN_SECRET_FIELDS.has(String(path[0]))) return "(hidden)";
  // Control characters are escaped by JSON, so a value cannot forge lines of a log.
  const text = typeof value === "number" ? `${value}` : (JSON.stringify(value) ?? typeof value);
  return text.length <= PROBLEM_VALUE_CHARS_MAX ? text : `${text.slice(0, PROBLEM_VALUE_CHARS_MAX)}…`;
}
