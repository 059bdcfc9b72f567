import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DOCUMENT_ALIASES_MAX,
  DOCUMENT_DEPTH_MAX,
  FILE_DOCUMENTS_MAX,
  PROBLEM_VALUE_CHARS_MAX,
  PROBLEMS_MAX,
  RESOURCE_FILE_BYTES_MAX,
} from "../limits.ts";
import { loadResources } from "./load-resources.ts";
import { renderProblem } from "./problems.ts";

const COLOUR = "apiVersion: weft.dev/v1\nkind: Colour\nmetadata: { name: red }\nspec: { value: red }\n";

function problems(text: string, path: string = "a.yaml"): readonly string[] {
  return loadResources([{ path, text }]).problems.map(renderProblem);
}

test("loadResources() reads several documents, comments, JSON with tabs, a byte order mark and CRLF", () => {
  assert.deepEqual(problems(`# first\n---\n${COLOUR}---\n# nothing here\n---\n${COLOUR.replace("red", "blue")}`), []);
  assert.deepEqual(
    problems(
      JSON.stringify(
        { apiVersion: "weft.dev/v1", kind: "Colour", metadata: { name: "a" }, spec: { value: "b" } },
        null,
        "\t",
      ),
    ),
    [],
  );
  assert.deepEqual(problems(COLOUR.replaceAll("\n", "\r\n")), []);
  const { resources } = loadResources([{ path: "a", text: `\ufeff${COLOUR}` }]);
  assert.equal(resources.resources.length, 1);
});

test("loadResources() refuses what is no YAML, with its line", () => {
  assert.deepEqual(problems(`${COLOUR}---\na: b: c\n`), [
    "a.yaml:6: expected valid YAML: Nested mappings are not allowed in compact mappings",
  ]);
  assert.deepEqual(problems(`${COLOUR}kind: Fault\n`), ["a.yaml:5: expected valid YAML: Map keys must be unique"]);
  assert.deepEqual(problems("kind: !!js/function x\n"), [
    "a.yaml:1: expected valid YAML: Unresolved tag: tag:yaml.org,2002:js/function",
  ]);
  assert.deepEqual(problems("- 1\n"), ["a.yaml:1: expected a resource with apiVersion, kind, metadata and spec"]);
});

test("loadResources() takes an empty file for a half-written one, and a comment for what it is", () => {
  const expected = ["a.yaml: expected at least one resource (delete the file to remove what it held)"];
  assert.deepEqual(problems(""), expected);
  assert.deepEqual(problems(" \n\n"), expected);
  assert.deepEqual(problems("# later\n"), []);
});

test("loadResources() keeps its limits", () => {
  assert.deepEqual(problems(`# ${"x".repeat(RESOURCE_FILE_BYTES_MAX)}`), [
    `a.yaml: expected at most ${RESOURCE_FILE_BYTES_MAX} bytes in a file`,
  ]);
  assert.deepEqual(problems("--- 1\n".repeat(FILE_DOCUMENTS_MAX + 1)), [
    `a.yaml: expected at most ${FILE_DOCUMENTS_MAX} documents in a file`,
  ]);
  const levels = `expected at most ${DOCUMENT_DEPTH_MAX} levels of nesting`;
  const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  assert.deepEqual(problems(nested(DOCUMENT_DEPTH_MAX + 1)), [`a.yaml:1: ${levels}`]);
  assert.deepEqual(problems(nested(DOCUMENT_DEPTH_MAX)), [
    "a.yaml:1: expected a resource with apiVersion, kind, metadata and spec",
  ]);
  for (const text of [
    "[".repeat(100_000),
    nested(5000),
    "- ".repeat(100_000),
    "? ".repeat(5000),
    "{a: ".repeat(5000),
  ]) {
    assert.deepEqual(problems(text), [`a.yaml: ${levels}`], text.slice(0, 8));
  }
  const indented = Array.from({ length: 1500 }, (_, index) => `${" ".repeat(index)}a:`).join("\n");
  assert.match(problems(indented).join(), /at most 32 levels of nesting$/);
  const brackets = COLOUR.replace("value: red", `value: "${"[".repeat(300)}"`);
  assert.deepEqual(problems(brackets), []);
});

test("loadResources() stops alias bombs and allows anchors", () => {
  const expected = [`a.yaml:1: expected aliases that repeat at most ${DOCUMENT_ALIASES_MAX} nodes`];
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (let index = 1; index < 9; index++) {
    const previous = `*${String.fromCharCode(96 + index)}`;
    const name = String.fromCharCode(97 + index);
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => previous).join(", ")}]`);
  }
  assert.deepEqual(problems(bomb.join("\n")), expected);
  assert.deepEqual(problems("kind: Fault\nspec: *nowhere\n"), [
    "a.yaml:2: expected an anchor &nowhere before the alias *nowhere",
  ]);
  assert.deepEqual(problems(COLOUR.replace("name: red", "name: &name red").replace("value: red", "value: *name")), []);
});

test("loadResources() says which alias would contain itself", () => {
  const within = "expected an alias of something else: *x stands within &x, which so would contain itself";
  assert.deepEqual(problems("kind: Fault\nspec: &x\n  delay: 1\n  abort: { of: [*x] }\n"), [`a.yaml:4: ${within}`]);
  assert.deepEqual(problems("&x [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x]\n"), [`a.yaml:1: ${within}`]);
});

test("loadResources() cannot be made to touch prototypes", () => {
  const text = `${COLOUR.replace("name: red", "name: red, labels: { __proto__: x }").replace("value: red", "value: red, __proto__: { a: b }")}__proto__: { polluted: true }\n`;
  assert.deepEqual(problems(text), [
    'a.yaml:4: Colour default/red spec.__proto__: {"a":"b"} — expected no such field; known are header, value',
    'a.yaml:5: Colour default/red __proto__: {"polluted":true} — expected no such field; known are apiVersion, kind, metadata, spec, status',
  ]);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

test("loadResources() reports a bounded number of problems and cuts values", () => {
  const many = Array.from({ length: PROBLEMS_MAX + 10 }, (_, index) => `a${index}: 1\n`).join("");
  assert.equal(problems(COLOUR + many).length, PROBLEMS_MAX);
  const [line = ""] = problems(COLOUR.replace("value: red", `value: [${"x, ".repeat(200)}x]`));
  assert.match(line, /spec\.value: \["x","x"[^…]*… — expected/);
  assert.ok(line.length < 300);
  assert.ok(
    line.includes(`${JSON.stringify(Array.from({ length: 201 }, () => "x")).slice(0, PROBLEM_VALUE_CHARS_MAX)}…`),
  );
});
