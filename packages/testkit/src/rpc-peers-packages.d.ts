// The peers' packages come without declarations.
declare module "dubbo-remoting" {
  export function encoder(options: object): object;
  export function decoder(options: object): object;
}

declare module "sofa-bolt-node" {
  export function encoder(options: object): object;
  export function decoder(options: object): object;
}
