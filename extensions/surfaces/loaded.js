// What was asked for, or the trouble with it, and asking again.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Trouble } from './calls.js';

/** @param {unknown} failure The one shape in which trouble is shown. */
export const asTrouble = (failure) => (failure instanceof Trouble ? failure : new Trouble('server'));

/**
 * Asks once, when the extension first stands there.
 * @param {() => Promise<any>} load
 * @returns {{ value: any, trouble: Trouble | null, again: () => Promise<void>, put: (value: any) => void }}
 */
export function useLoaded(load) {
  const [value, put] = useState(/** @type {any} */ (null));
  const [trouble, tell] = useState(/** @type {Trouble | null} */ (null));
  const again = async () => {
    tell(null);
    try {
      put(await load());
    } catch (failure) {
      tell(asTrouble(failure));
    }
  };
  useEffect(() => void again(), []);
  return { value, trouble, again, put };
}

/**
 * One press at a time: `step` is idle, busy, done or trouble. A press while busy does nothing.
 * @param {() => Promise<void>} act
 */
export function usePress(act) {
  const [step, go] = useState('idle');
  const [trouble, tell] = useState(/** @type {Trouble | null} */ (null));
  // State shows one press late; two presses of one moment must still be one.
  const busy = useRef(false);
  const press = async () => {
    if (busy.current) return;
    busy.current = true;
    go('busy');
    tell(null);
    try {
      await act();
      go('done');
    } catch (failure) {
      tell(asTrouble(failure));
      go('trouble');
    } finally {
      busy.current = false;
    }
  };
  return { step, trouble, press, busy: step === 'busy' };
}
