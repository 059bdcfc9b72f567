import { type Client, credentials } from "@grpc/grpc-js";
import { CHECK_REQUEST_MS_MAX } from "../limits.ts";
import { LOOPBACK } from "../shop/application.ts";
import {
  charge,
  type ChargeReply,
  createPaymentClient,
  PAYMENT_SERVICE,
  type PaymentEvent,
} from "../shop/payment-contract.ts";
import type { RunningMesh } from "../up.ts";
import { expect, type Probe } from "./probe.ts";

const CALLS = 50;
const EVENTS = 500;
const MESSAGES = 200;

/** Runs `use` with a gRPC client of the ingress and closes it. */
export async function withPayment<T>({ mesh }: RunningMesh, use: (client: Client) => Promise<T>): Promise<T> {
  const client = createPaymentClient(`${LOOPBACK}:${mesh.httpPort}`, credentials.createInsecure(), {});
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function unary(client: Client): Promise<string> {
  const instances = new Set<string>();
  for (let call = 0; call < CALLS; call++) {
    const order = `check-${process.pid}-${call}`;
    const reply = await charge(client, { order, cents: call }, CHECK_REQUEST_MS_MAX);
    expect(reply.order === order && reply.receipt.endsWith(`-${call}`), `a wrong answer: ${JSON.stringify(reply)}`);
    instances.add(reply.instance);
  }
  expect(instances.size === 2, `only ${[...instances].join(", ")} answered`);
  return `${CALLS} calls, answered by both instances`;
}

function serverStreaming(client: Client): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = PAYMENT_SERVICE.Watch;
  const options = { deadline: Date.now() + CHECK_REQUEST_MS_MAX };
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { events: EVENTS }, options);
  return new Promise((resolve, reject) => {
    let last = 0;
    call.on("data", ({ sequence }: PaymentEvent) => {
      if (sequence !== last + 1) call.destroy(new Error(`event ${sequence} came after ${last}`));
      last = sequence;
    });
    call.on("error", reject);
    call.on("end", () => {
      if (last === EVENTS) resolve(`${EVENTS} events in order`);
      else reject(new Error(`the stream ended after ${last} of ${EVENTS} events`));
    });
  });
}

/** Each message is sent after the answer to the one before: both directions are open at once. */
function bidirectional(client: Client): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = PAYMENT_SERVICE.Settle;
  const options = { deadline: Date.now() + CHECK_REQUEST_MS_MAX };
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options);
  return new Promise((resolve, reject) => {
    let answered = 0;
    const send = (): void => void call.write({ order: `settle-${answered}`, cents: 1 });
    call.on("data", ({ order }: ChargeReply) => {
      if (order !== `settle-${answered}`)
        call.destroy(new Error(`an answer to ${order} instead of settle-${answered}`));
      answered++;
      if (answered < MESSAGES) send();
      else call.end();
    });
    call.on("error", reject);
    call.on("end", () => {
      if (answered === MESSAGES) resolve(`${MESSAGES} messages each way, one by one`);
      else reject(new Error(`the stream ended after ${answered} of ${MESSAGES} answers`));
    });
    send();
  });
}

/** The three kinds of gRPC call, with @grpc/grpc-js at both ends. */
export const GRPC_PROBES: readonly Probe[] = [
  { name: "gRPC unary", run: (mesh) => withPayment(mesh, unary) },
  { name: "gRPC server streaming", run: (mesh) => withPayment(mesh, serverStreaming) },
  { name: "gRPC bidirectional", run: (mesh) => withPayment(mesh, bidirectional) },
];
