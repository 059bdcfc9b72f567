import { createSelfSigned } from "@weft/kernel";

/** A certificate that vouches for itself, and its key, in PEM: made anew in every run, so none lies in the repository. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for one DNS name. */
export function createTestCertificate(dnsName: string, keyType: "ec" | "rsa" = "ec"): TestCertificate {
  const { certificatePem, privateKeyPem } = createSelfSigned({ commonName: dnsName, dnsNames: [dnsName], keyType });
  return { certificate: certificatePem, key: privateKeyPem };
}
