import { useRef, useState } from "preact/hooks";
import { demoAccounts, demoPassword } from "../contracts/demo.js";
import { ask, Refusal } from "./api.js";
import { useCommand } from "./asked.js";
import { info } from "./info.js";
import { Button, Dialog, Field, fieldsOf, Trouble } from "./parts.js";
import { door, signIn } from "./session.js";

const may: Record<string, string> = {
  admin: "sees and repairs everything, and may prove it",
  staff: "ships and delivers",
  customer: "buys",
};

/** Sign in, or sign up. */
export function SignInDialog() {
  const { open, reason } = door.use();
  const [isNew, setNew] = useState(false);
  const close = () => door.set({ open: false, reason: "" });
  if (!open) return null;
  return (
    <Dialog title={isNew ? "Sign up" : "Sign in"} close={close}>
      {reason && <p class="notice">{reason} Sign in to go on; nothing is lost.</p>}
      {isNew ? <SignUp /> : <SignIn />}
      <p class="aside">
        {isNew ? "You have an account?" : "You have no account yet?"}{" "}
        <button type="button" class="link" onClick={() => setNew(!isNew)}>
          {isNew ? "Sign in" : "Sign up"}
        </button>
      </p>
    </Dialog>
  );
}

function SignIn() {
  const { run, busy, error } = useCommand();
  const [changed, setChanged] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const { demo } = info.use();

  async function as(email: string): Promise<void> {
    await run(() =>
      signIn(email, demoPassword).catch((problem) => {
        if (!(problem instanceof Refusal) || problem.problem.status !== 401) throw problem;
        setChanged(true);
        const { elements } = form.current as HTMLFormElement;
        (elements.namedItem("email") as HTMLInputElement).value = email;
        (elements.namedItem("password") as HTMLInputElement).focus();
      }),
    );
  }

  return (
    <>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          const { email = "", password = "" } = fieldsOf(event);
          void run(() => signIn(email, password));
        }}
      >
        <Field label="E-mail" name="email" type="email" autocomplete="username" required autofocus />
        <Field label="Password" name="password" type="password" autocomplete="current-password" required />
        {changed && <p class="notice">This system has its own password for the demo accounts: please type it.</p>}
        <Trouble error={error} />
        <Button type="submit" kind="first" busy={busy}>
          Sign in
        </Button>
      </form>
      {demo && (
        <section class="people" aria-label="Demo accounts">
          <h3>Or look around as</h3>
          {demoAccounts.map(({ email, name, roles: [role] }) => (
            <button type="button" key={email} disabled={busy} onClick={() => void as(email)}>
              <b>{name}</b>
              <small>{may[role]}</small>
            </button>
          ))}
        </section>
      )}
    </>
  );
}

function SignUp() {
  const { run, busy, error } = useCommand();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const { email = "", password = "", name = "", country } = fieldsOf(event);
        void run(async () => {
          const body = { email, password, name, ...(country && { country: country.toUpperCase() }) };
          await ask("POST /users", { body });
          await signIn(email, password);
        });
      }}
    >
      <Field label="Name" name="name" autocomplete="name" required maxLength={100} autofocus />
      <Field label="E-mail" name="email" type="email" autocomplete="username" required />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        required
        minLength={8}
        hint="At least 8 characters."
      />
      <Field
        label="Country (optional)"
        name="country"
        autocomplete="country"
        pattern="[A-Za-z]{2}"
        maxLength={2}
        hint="Two letters, such as DE: it decides on taxes."
      />
      <Trouble error={error} />
      <Button type="submit" kind="first" busy={busy}>
        Sign up
      </Button>
    </form>
  );
}
