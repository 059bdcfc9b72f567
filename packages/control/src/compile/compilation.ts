import type { CertificateConfig, ServicePort } from "@weft/contract";
import type { FindingLog } from "../load/finding.ts";
import type { Attachments } from "./certificate-files.ts";
import type { WorldDefaults } from "./defaults.ts";
import type { PolicyIndex } from "./policies.ts";
import type { LoadedOf, ResourceIndex } from "./resource-index.ts";

/** What every step of one compilation shares. */
export interface Compilation {
  readonly index: ResourceIndex;
  readonly policies: PolicyIndex;
  readonly attachments: Attachments;
  readonly defaults: WorldDefaults;
  readonly log: FindingLog;
  /** Service ports that something refers to, by cluster name: these become clusters. */
  readonly used: Map<string, ServiceTarget>;
  /** Certificates and authorities that were checked, by resource: reading keys takes a millisecond each. */
  readonly certificates: Map<string, CertificateConfig | undefined>;
  readonly authorities: Map<string, string | undefined>;
  /** Routes by listener of a Gateway ("namespace/name/listener"), for status. */
  readonly attachedRoutes: Map<string, Set<string>>;
}

/** One port of one Service. */
export interface ServiceTarget {
  readonly service: LoadedOf<"Service">;
  readonly port: ServicePort;
  readonly cluster: string;
}
