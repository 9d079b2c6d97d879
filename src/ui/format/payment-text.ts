/** What a scanned or pasted text asks for. */
export type PaymentText = {
  /** Address as text, not yet judged. */
  readonly address: string;
  /** Amount as a plain decimal with a point, if the text names a sound one. */
  readonly amount: string | undefined;
};

/**
 * Reads a bare address (also in capitals, as in dense QR codes), `tabellion:tab1…?amount=1.5`, or
 * a link of this app with `to` and `amount`. Nothing else in the text is used.
 */
export function readPaymentText(text: string): PaymentText {
  const trimmed = text.trim();
  const scheme = /^(?:web\+)?tabellion:(?:\/\/)?([^?]*)(?:\?(.*))?$/i.exec(trimmed);
  if (scheme !== null) {
    return { address: tidy(scheme[1] ?? ''), amount: amountOf(scheme[2] ?? '') };
  }
  const link = /^https?:\/\/[^?#]*\?([^#]*)/i.exec(trimmed);
  if (link !== null) {
    const query = link[1] ?? '';
    return { address: tidy(new URLSearchParams(query).get('to') ?? ''), amount: amountOf(query) };
  }
  return { address: tidy(trimmed), amount: undefined };
}

/** An amount with a point and every decimal, as programs everywhere read it. */
export function plainDecimal(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  return decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
}

/** What asks for an amount to an address, as {@link readPaymentText} reads it. */
export function paymentText(address: string, amount: string): string {
  return `tabellion:${address}?amount=${amount}`;
}

function tidy(address: string): string {
  const compact = address.replaceAll(/\s/g, '');
  return compact === compact.toUpperCase() ? compact.toLowerCase() : compact;
}

function amountOf(query: string): string | undefined {
  const amount = new URLSearchParams(query).get('amount');
  return amount !== null && /^\d{1,20}(\.\d{1,18})?$/.test(amount) ? amount : undefined;
}
