/**
 * An application of a mesh, in a process of its own: a server or a client of Bolt (sofa-rpc-node) or of Dubbo (dubbo2.js calls
 * what sofa-rpc-node serves by dubbo-remoting). The packages are as npm has them, and know nothing of the mesh. A test forks it
 * with {@link ApplicationPlan} as its argument.
 */
import { DirectlyDubbo, java } from "dubbo2.js";
import * as dubboRemoting from "dubbo-remoting";
import { client, server } from "sofa-rpc-node";

/** What the application is, and where it listens, or where its sidecar does. */
export interface ApplicationPlan {
  readonly role: "server" | "client";
  readonly protocol: "bolt" | "dubbo";
  readonly port: number;
  /** The interface that is served, or called. */
  readonly service: string;
}

/** What a client is sent: the arguments of calls that it makes at once. */
export interface CallOrder {
  readonly calls: readonly (readonly [string, string])[];
}

/** What it sends back, in the order of the calls. */
export interface CallReport {
  readonly outcomes: readonly { readonly value: unknown; readonly error: string }[];
}

const CALL_MS_MAX = 20_000;
const logger = { info() {}, warn() {}, error() {}, debug() {} };

/** Every application's only method: `ask("a", "b")` returns "a+b!"; what is asked to fail throws. */
async function ask(first: string, second: string): Promise<string> {
  if (first === "fail") throw new Error("no such account");
  return `${first}+${second}!`;
}

async function serve({ protocol, port, service }: ApplicationPlan): Promise<void> {
  const dialect = protocol === "dubbo" ? { protocol: dubboRemoting } : {};
  const rpc = new server.RpcServer({ logger, port, appName: "application", ...dialect });
  rpc.addService({ interfaceName: service }, { ask });
  await rpc.start();
}

type Caller = (first: string, second: string) => Promise<unknown>;

async function connectBolt({ port, service }: ApplicationPlan): Promise<Caller> {
  const rpc = new client.RpcClient({ logger });
  const consumer = rpc.createConsumer({ interfaceName: service, serverHost: `127.0.0.1:${port}` });
  await consumer.ready();
  return (first, second) => consumer.invoke("ask", [first, second], { responseTimeout: CALL_MS_MAX });
}

function connectDubbo({ port, service: dubboInterface }: ApplicationPlan): Caller {
  const dubbo = DirectlyDubbo.from({
    dubboAddress: `127.0.0.1:${port}`,
    dubboVersion: "2.0.2",
    dubboInvokeTimeout: CALL_MS_MAX / 1000,
  });
  const service = dubbo.proxyService<{ ask(first: string, second: string): Promise<{ res: unknown; err: unknown }> }>({
    dubboInterface,
    version: "1.0",
    methods: { ask: (first: string, second: string) => [java.String(first), java.String(second)] },
  });
  return async (first, second) => {
    const { res, err } = await service.ask(first, second);
    if (err instanceof Error) throw err;
    return res;
  };
}

async function call(plan: ApplicationPlan): Promise<void> {
  const caller = plan.protocol === "bolt" ? await connectBolt(plan) : connectDubbo(plan);
  process.on("message", ({ calls }: CallOrder) => {
    const outcomes = calls.map(([first, second]) =>
      caller(first, second).then(
        (value) => ({ value, error: "" }),
        (error: unknown) => ({ value: null, error: String(error) }),
      ),
    );
    void Promise.all(outcomes).then((all) => process.send?.({ outcomes: all } satisfies CallReport));
  });
}

const plan = JSON.parse(process.argv[2] ?? "") as ApplicationPlan;
await (plan.role === "server" ? serve(plan) : call(plan));
process.on("disconnect", () => process.exit());
process.send?.("ready");
