import type { X509Certificate } from "node:crypto";

/** The DNS names that a certificate is made out to, lower case, wildcards included; its common name where it has none. */
export function dnsNamesOf(leaf: X509Certificate): readonly string[] {
  const names: string[] = [];
  for (const entry of (leaf.subjectAltName ?? "").split(", ")) {
    if (entry.startsWith("DNS:")) names.push(entry.slice(4).toLowerCase());
  }
  const commonName = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  if (names.length === 0 && commonName !== undefined) names.push(commonName.toLowerCase());
  return names;
}

/**
 * Which of the certificates of one host, by position, every DNS name is served with: the first of each type of key
 * ("ec", "rsa", ...), for a TLS server holds one of each and takes what the client can check. Those without a name are
 * under "". A certificate that is in no group is never served.
 */
export function groupCertificates(leaves: readonly X509Certificate[]): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const [position, leaf] of leaves.entries()) {
    const names = dnsNamesOf(leaf);
    for (const name of names.length === 0 ? [""] : names) {
      const group = groups.get(name) ?? [];
      groups.set(name, group);
      if (!group.some((other) => keyTypeOf(leaves[other]) === keyTypeOf(leaf))) group.push(position);
    }
  }
  return groups;
}

function keyTypeOf(leaf: X509Certificate | undefined): string | undefined {
  return leaf?.publicKey.asymmetricKeyType;
}
