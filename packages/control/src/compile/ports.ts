import type { ListenerConfig, ProxySettings } from "@weft/contract";
import type { FieldPath } from "../load/finding.ts";
import { fullNameOf } from "../load/validate.ts";
import type { Compilation } from "./compilation.ts";
import type { LoadedOf } from "./resource-index.ts";
import { coversAddress, socketName } from "./sockets.ts";

/** An address that the proxy listens on, and for whom. */
interface TakenPort {
  readonly address: string;
  readonly port: number;
  readonly owner: string;
}

/** A ProxyConfig's own ports must be free of each other and of the Gateways'. */
export function checkPorts(
  compilation: Compilation,
  config: LoadedOf<"ProxyConfig"> | undefined,
  gateways: readonly ListenerConfig[],
  sidecar: readonly ListenerConfig[],
  { admin }: ProxySettings,
): void {
  if (config === undefined) return;
  const taken = [...gatewayPorts(compilation, gateways)];
  const take = (owner: string, address: string, port: number, path: FieldPath, value: unknown): void => {
    const other = port === 0 ? undefined : taken.find((each) => each.port === port && overlaps(each.address, address));
    if (other !== undefined) {
      const expected = `another port: ${socketName(other.address, port)} is taken by ${other.owner}`;
      compilation.log.add(config.source, path, value, expected, { reason: "PortUnavailable", condition: "Conflicted" });
    }
    taken.push({ address, port, owner });
  };
  for (const { name, address, port } of sidecar) take(name, address, port, ["spec", name, "port"], port);
  take("admin", admin.address, admin.port, ["spec", "admin", "port"], config.resource.spec.admin?.port);
}

/** Whose the ports of the Gateways' listeners are. */
function gatewayPorts({ index }: Compilation, listeners: readonly ListenerConfig[]): readonly TakenPort[] {
  return listeners.map(({ address, port }) => {
    const owners = index
      .all("Gateway")
      .filter(({ resource }) => resource.spec.listeners.some((listener) => listener.port === port))
      .map(({ resource }) => fullNameOf(resource));
    return { address, port, owner: `Gateway ${owners.join(", ")}` };
  });
}

function overlaps(left: string, right: string): boolean {
  return coversAddress(left, right) || coversAddress(right, left);
}
