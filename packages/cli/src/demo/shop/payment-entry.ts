/** The payment service of the demo shop: @grpc/grpc-js, with unary, server-streaming and bidirectional calls. */
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { announceReady, LOOPBACK, startApplication } from "./application.ts";
import {
  type ChargeReply,
  type ChargeRequest,
  HEALTH_SERVICE,
  type HealthReply,
  type HealthRequest,
  PAYMENT_SERVICE,
  type PaymentEvent,
  type WatchRequest,
} from "./payment-contract.ts";

/** Receipts that are remembered, so that a charge that is retried is charged once. */
const RECEIPTS_MAX = 10_000;
/** Most events of one Watch. */
const EVENTS_MAX = 1_000;

const options = startApplication();
const { instance } = options;
const receipts = new Map<string, string>();
let charges = 0;

function chargeOnce({ order, cents }: ChargeRequest): ChargeReply {
  let receipt = receipts.get(order);
  if (receipt === undefined) {
    receipt = `${instance}-${++charges}-${cents}`;
    receipts.set(order, receipt);
    const [oldest] = receipts.keys();
    if (receipts.size > RECEIPTS_MAX && oldest !== undefined) receipts.delete(oldest);
  }
  return { order, receipt, instance };
}

const chargeCall: handleUnaryCall<ChargeRequest, ChargeReply> = (call, reply) => reply(null, chargeOnce(call.request));

const watchCall: handleServerStreamingCall<WatchRequest, PaymentEvent> = (call) => {
  const events = Math.min(call.request.events, EVENTS_MAX);
  for (let sequence = 1; sequence <= events; sequence++) call.write({ sequence, state: "settled", instance });
  call.end();
};

const settleCall: handleBidiStreamingCall<ChargeRequest, ChargeReply> = (call) => {
  call.on("data", (request: ChargeRequest) => void call.write(chargeOnce(request)));
  call.on("end", () => call.end());
  // A client that goes away resets the call; there is nobody left to tell.
  call.on("error", () => {});
};

const checkCall: handleUnaryCall<HealthRequest, HealthReply> = (_, reply) => reply(null, { status: 1 });

const server = new Server();
server.addService(PAYMENT_SERVICE, { Charge: chargeCall, Watch: watchCall, Settle: settleCall });
server.addService(HEALTH_SERVICE, { Check: checkCall });
server.bindAsync(`${LOOPBACK}:${options.port}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  announceReady();
});
