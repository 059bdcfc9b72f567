/**
 * Loaded into every test process before its file: leaves a file named by its process id, so that the runner can end exactly
 * this process when it hangs. A hang in synchronous code ignores every signal but SIGKILL, which only another process can send.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env["WEFT_TEST_PROCESSES"];
const file = process.argv[1] ?? "";
if (folder !== undefined && process.env["NODE_TEST_CONTEXT"] !== undefined && file.endsWith(".test.ts")) {
  const path = join(folder, String(process.pid));
  writeFileSync(path, file);
  process.on("exit", () => rmSync(path, { force: true }));
}
