/**
 * The real servers and clients that tests talk to. On Debian as root the missing ones are installed; elsewhere the tests that
 * need them are skipped with the reason (`requireProgram` of the testkit).
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCaptured } from "./process.ts";

/** Program -> Debian package. */
const PACKAGES: Readonly<Record<string, string>> = {
  h2load: "nghttp2-client",
  nghttp: "nghttp2-client",
  nghttpx: "nghttp2-proxy",
  nginx: "nginx",
  haproxy: "haproxy",
  caddy: "caddy",
  wrk: "wrk",
  hey: "hey",
  curl: "curl",
  openssl: "openssl",
};

/** Where servers are, even if the path of an ordinary user leaves it out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

function isInstalled(program: string): boolean {
  return [...(process.env["PATH"] ?? "").split(":"), ...SYSTEM_FOLDERS].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

function isDebianRoot(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    return /^ID(?:_LIKE)?=.*\bdebian\b/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

/** apt-get without questions, and without starting the servers that it installs. */
function aptGet(...args: string[]): ReturnType<typeof runCaptured> {
  return runCaptured("apt-get", ["-qq", "-y", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
}

/** Installs what is missing where that is possible, and says what it does and what will be skipped. */
export async function provision(): Promise<void> {
  const missing = Object.keys(PACKAGES).filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  if (isDebianRoot()) {
    const packages = [...new Set(missing.flatMap((program) => PACKAGES[program] ?? []))];
    console.log(`weft: installing what tests need with apt-get: ${packages.join(" ")}`);
    await aptGet("update");
    const all = await aptGet("install", "--no-install-recommends", ...packages);
    // One package that this release lacks must not keep the others out.
    if (all.status !== 0) for (const name of packages) await aptGet("install", "--no-install-recommends", name);
  }
  const rest = missing.filter((program) => !isInstalled(program));
  if (rest.length > 0) console.log(`weft: not installed, tests that need them are skipped: ${rest.join(", ")}`);
}
