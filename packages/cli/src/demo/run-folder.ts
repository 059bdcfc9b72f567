import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CertificateAuthority, createAuthority, issueCertificate } from "@weft/kernel";
import { renderIngressFiles } from "./ingress-files.ts";
import type { Mesh } from "./mesh.ts";
import { spiffeId } from "./policy-text.ts";
import { LOOPBACK } from "./shop/application.ts";
import { renderSidecarFiles } from "./sidecar-files.ts";

/** The files of one run: a folder of configuration per proxy, and a folder of logs. */
export class RunFolder {
  readonly path: string;
  /** PEM of the authority that vouches for everybody in this run. */
  readonly authorityPem: string;
  readonly #authority: CertificateAuthority = createAuthority("Weft demo authority");

  /** Writes everything below `path`, which is made; what another mesh has left there is replaced. */
  constructor(path: string, mesh: Mesh) {
    this.path = path;
    this.authorityPem = this.#authority.certificatePem;
    // Logs of an earlier try would be taken for this one's.
    rmSync(this.logs, { recursive: true, force: true });
    mkdirSync(this.logs, { recursive: true, mode: 0o700 });
    this.#write("ingress", "ingress", renderIngressFiles(mesh));
    this.#writeServerCertificate();
    for (const instance of mesh.instances) {
      this.#write(instance.name, instance.service, renderSidecarFiles(mesh, instance));
    }
  }

  get logs(): string {
    return join(this.path, "logs");
  }

  /** Where the configuration of a proxy is: "ingress" or an instance's name. */
  configOf(proxy: string): string {
    return join(this.path, proxy);
  }

  logOf(process: string): string {
    return join(this.logs, `${process}.log`);
  }

  #write(proxy: string, identity: string, files: ReadonlyMap<string, string>): void {
    const folder = this.configOf(proxy);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    const own = issueCertificate(this.#authority, {
      commonName: identity,
      dnsNames: [identity],
      uris: [spiffeId(identity)],
    });
    writeFileSync(join(folder, "own.pem"), own.certificatePem);
    writeFileSync(join(folder, "own-key.pem"), own.privateKeyPem, { mode: 0o600 });
    writeFileSync(join(folder, "authority.pem"), this.#authority.certificatePem);
  }

  #writeServerCertificate(): void {
    const server = issueCertificate(this.#authority, {
      commonName: "localhost",
      dnsNames: ["localhost"],
      ipAddresses: [LOOPBACK],
    });
    writeFileSync(join(this.configOf("ingress"), "server.pem"), server.certificatePem);
    writeFileSync(join(this.configOf("ingress"), "server-key.pem"), server.privateKeyPem, { mode: 0o600 });
  }
}
