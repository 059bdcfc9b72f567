import { isIP } from "node:net";
import { InvalidArgumentError, Option } from "commander";

/** Where an admin server listens. */
export interface AdminAddress {
  /** IP address. */
  readonly address: string;
  readonly port: number;
}

/**
 * "127.0.0.1:15000", "[::1]:15000"; port 0 lets the system choose, where one is to be listened on.
 *
 * @throws InvalidArgumentError
 */
export function parseAdminAddress(text: string): AdminAddress {
  const [, ipv6, ipv4, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = ipv6 ?? ipv4 ?? "";
  const port = Number(digits);
  if (isIP(address) === (ipv6 === undefined ? 4 : 6) && port <= 65_535) return { address, port };
  throw new InvalidArgumentError("Expected an IP address and a port, like 127.0.0.1:15000 or [::1]:15000.");
}

/** As `parseAdminAddress` reads it. */
export function renderAdminAddress({ address, port }: AdminAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The option of every command that asks a running role; without it the role is looked for. */
export function adminOption(): Option {
  return new Option(
    "--admin <address:port>",
    "the admin server to ask; default: that of `weft up` or of `weft proxy` on this machine",
  ).argParser(parseAdminAddress);
}
