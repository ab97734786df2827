import { MeshworkError } from '@meshwork/core';

/** The URL is one this hub does not call: it is not https, or leads to an address that is not public. Nothing was sent. */
export class OutboundRefusedError extends MeshworkError<'OUTBOUND_REFUSED'> {
  constructor(message: string) {
    super('OUTBOUND_REFUSED', message);
  }
}
