import { Command } from "commander";
import type { CheckResult, Verdict } from "../doctor/check-result.ts";
import { examine } from "../doctor/doctor.ts";
import { EXIT_CODE } from "../exit-code.ts";

/** `weft doctor [path]`: what on this machine, or in a configuration, will keep Weft from working. */
export function createCommand(): Command {
  return new Command("doctor")
    .description(
      "check this machine, and with a path whether that configuration will run here; status 1 if something fails",
    )
    .argument("[path]", "folder or file with the configuration of a proxy")
    .option("--json", "print the results as JSON")
    .action(async (path: string | undefined, { json }: { json?: boolean }) => {
      const checks = await examine({ path, token: process.env["WEFT_ADMIN_TOKEN"] ?? "" });
      const ok = checks.every(({ verdict }) => verdict !== "failed");
      const output = json === true ? JSON.stringify({ ok, checks }, undefined, 2) : checks.map(render).join("\n");
      process.stdout.write(`${output}\n`);
      if (!ok) process.exitCode = EXIT_CODE.failed;
    });
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: "✔", warning: "!", failed: "✖", skipped: "-" };

function render({ name, verdict, detail, action }: CheckResult): string {
  return `${MARKS[verdict]} ${name.padEnd(13)} ${detail}${action === "" ? "" : ` -> ${action}`}`;
}
