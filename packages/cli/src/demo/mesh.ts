import type { PortChooser } from "./ports.ts";

/** What the applications of the demo speak. */
export type DemoProtocol = "http" | "grpc" | "bolt" | "dubbo";

/** One running copy of an application with its sidecar. */
export interface Instance {
  /** "cart-v1". */
  readonly name: string;
  /** "cart": whose identity it has. */
  readonly service: string;
  readonly protocol: DemoProtocol;
  /** Its application is the module `shop/<application>-entry.ts`. */
  readonly application: string;
  /** The application itself listens here; only its sidecar calls it. */
  readonly applicationPort: number;
  /** The sidecar takes requests for the application here. */
  readonly inboundPort: number;
  /** The sidecar takes requests of the application here; 0 where the application calls nobody. */
  readonly outboundPort: number;
  readonly adminPort: number;
}

/** Everything that the demo starts, and where. */
export interface Mesh {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Of the ingress. */
  readonly adminPort: number;
  readonly instances: readonly Instance[];
  /** Ports that people know by heart and that were taken: "8080 is taken, the ingress listens on 9080". */
  readonly notices: readonly string[];
}

/** Documented ports; the sidecars' follow Weft's defaults (15000, 15001, 15006), each a hundred further than the last. */
const PREFERRED = { http: 8080, https: 8443, admin: 7070, application: 9000, sidecar: 15_000, outbound: 1, inbound: 6 };

interface InstancePlan {
  readonly name: string;
  readonly service: string;
  readonly protocol: DemoProtocol;
  readonly application: string;
  readonly callsOthers: boolean;
}

const PLANS: readonly InstancePlan[] = [
  { name: "storefront", service: "storefront", protocol: "http", application: "storefront", callsOthers: true },
  { name: "cart-v1", service: "cart", protocol: "http", application: "cart", callsOthers: false },
  { name: "cart-v2", service: "cart", protocol: "http", application: "cart", callsOthers: false },
  { name: "payment-1", service: "payment", protocol: "grpc", application: "payment", callsOthers: false },
  { name: "payment-2", service: "payment", protocol: "grpc", application: "payment", callsOthers: false },
  { name: "notify", service: "notify", protocol: "http", application: "notify", callsOthers: false },
  { name: "ledger", service: "ledger", protocol: "bolt", application: "ledger", callsOthers: false },
  { name: "risk", service: "risk", protocol: "dubbo", application: "risk", callsOthers: false },
];

/** Plans the demo mesh on ports that are free now, and the chooser's until it gives them back. */
export async function planMesh(chooser: PortChooser): Promise<Mesh> {
  const httpPort = await chooser.choose(PREFERRED.http);
  const httpsPort = await chooser.choose(PREFERRED.https);
  const adminPort = await chooser.choose(PREFERRED.admin);
  const instances: Instance[] = [];
  for (const [index, { callsOthers, ...plan }] of PLANS.entries()) {
    const base = PREFERRED.sidecar + 100 * (index + 1);
    instances.push({
      ...plan,
      applicationPort: await chooser.choose(PREFERRED.application + index + 1),
      inboundPort: await chooser.choose(base + PREFERRED.inbound),
      outboundPort: callsOthers ? await chooser.choose(base + PREFERRED.outbound) : 0,
      adminPort: await chooser.choose(base),
    });
  }
  const notices = [
    noticeOf("the ingress", PREFERRED.http, httpPort),
    noticeOf("the ingress (TLS)", PREFERRED.https, httpsPort),
    noticeOf("its admin page", PREFERRED.admin, adminPort),
  ].flatMap((notice) => (notice === null ? [] : [notice]));
  return { httpPort, httpsPort, adminPort, instances, notices };
}

function noticeOf(what: string, preferred: number, port: number): string | null {
  return port === preferred ? null : `port ${preferred} is taken: ${what} is on ${port}`;
}
