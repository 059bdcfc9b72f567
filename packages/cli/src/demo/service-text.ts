import type { Instance } from "./mesh.ts";
import { spiffeId } from "./policy-text.ts";
import { renderFile, renderResource } from "./resource-text.ts";
import { LOOPBACK } from "./shop/application.ts";

/** Services by their instances' sidecars. Cart is there as a whole and by version. */
export function renderServices(instances: readonly Instance[], names: readonly string[]): string {
  const documents = names.flatMap((name) => {
    const hosts = instances.filter(({ service }) => service === name);
    const versions = name === "cart" ? hosts.map((host) => renderService(host.name, [host])) : [];
    return [renderService(name, hosts), ...versions];
  });
  const comment = "Where services are: the addresses of their sidecars. References name the Service and its port.";
  return renderFile(comment, documents);
}

function renderService(name: string, instances: readonly Instance[]): string {
  const hosts = instances.map((host) => `    - { address: ${LOOPBACK}, port: ${host.inboundPort} } # ${host.name}\n`);
  const protocol = instances[0]?.protocol ?? "http";
  return renderResource(
    "Service",
    name,
    `  protocol: ${protocol}\n  ports:\n    - port: 80\n  hosts:\n${hosts.join("")}`,
  );
}

/** The certificates of one proxy, in PEM files beside it, and further ones. */
export function renderIdentity(name: string, more: readonly string[]): string {
  return renderFile(`Who this proxy is (${spiffeId(name)}), and whom it believes.`, [
    renderResource("Certificate", "own", "  certificateFile: own.pem\n  keyFile: own-key.pem\n"),
    renderResource("Certificate", "authority", "  caFile: authority.pem\n"),
    ...more,
  ]);
}
