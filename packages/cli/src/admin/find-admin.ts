import { WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";
import { type AdminAddress, renderAdminAddress } from "./admin-address.ts";
import { getJson } from "./admin-client.ts";
import { ADMIN_SEARCH_MS_MAX } from "./limits.ts";

/** An address at which an admin server is unless somebody says otherwise, and whose it is. */
export interface UsualAddress extends AdminAddress {
  readonly command: string;
}

/** Where admin servers usually are; the first that answers is asked. */
const USUAL_ADDRESSES: readonly UsualAddress[] = [
  { command: "weft up", address: "127.0.0.1", port: 7070 },
  { command: "weft proxy", address: "127.0.0.1", port: 15_000 },
];

/**
 * The admin server to ask: the one that was named, or else the first of the usual ones that answers. Where several do,
 * `say` is told which is asked.
 *
 * @throws WeftError CLI_ADMIN_UNREACHABLE when none answers
 */
export async function findAdmin(
  named: AdminAddress | undefined,
  say: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
  usual: readonly UsualAddress[] = USUAL_ADDRESSES,
): Promise<AdminAddress> {
  if (named !== undefined) return named;
  const answers = await Promise.all(usual.map(isThere));
  const [first, ...others] = usual.filter((_, index) => answers[index]);
  if (first === undefined) {
    const places = usual.map(({ command, ...admin }) => `${renderAdminAddress(admin)} (${command})`).join(" or ");
    const message = `Cannot find an admin server: none answers at ${places}; --admin names another address`;
    throw new WeftError<CliErrorCode>("CLI_ADMIN_UNREACHABLE", message);
  }
  if (others.length > 0) {
    const rest = others
      .map(({ command, ...admin }) => `--admin ${renderAdminAddress(admin)} for ${command}`)
      .join(", ");
    say(`Asking ${first.command} at ${renderAdminAddress(first)}; ${rest}.`);
  }
  return { address: first.address, port: first.port };
}

/** Whether an admin server of ours answers; another program's answer has not this shape. */
async function isThere(admin: AdminAddress): Promise<boolean> {
  try {
    return (await getJson<{ isLive?: unknown }>(admin, "/api/live", "isLive", ADMIN_SEARCH_MS_MAX)).isLive === true;
  } catch {
    return false;
  }
}
