// Opens the browser's own dialogue for passkeys; its answer goes to the server in an ordinary form.

const known = typeof window.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";

function say(problem, text) {
  problem.textContent = text;
}

// -- adding one ---------------------------------------------------------------------------------------------------------

const adding = document.getElementById("passkey-add");

async function make(form) {
  const options = JSON.parse(document.getElementById("passkey-options").textContent);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await navigator.credentials.create({ publicKey });
  form.elements.credential.value = JSON.stringify(made.toJSON());
  form.submit();
}

adding?.addEventListener("submit", (event) => {
  event.preventDefault();
  const problem = document.getElementById("passkey-problem");
  say(problem, "");
  // Without a name the server has something to say, and the challenge is not spent on it.
  if (!adding.elements.name.value.trim()) {
    adding.elements.name.focus();
    adding.elements.name.setAttribute("aria-invalid", "true");
    return;
  }
  if (!known) say(problem, adding.dataset.unknown);
  else make(adding).catch(() => say(problem, adding.dataset.refused));
});

// -- signing in ---------------------------------------------------------------------------------------------------------

const entering = document.getElementById("passkey-sign-in");

async function ask(form) {
  const response = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const { publicKey: options } = await response.json();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const answer = await navigator.credentials.get({ publicKey });
  form.elements.credential.value = JSON.stringify(answer.toJSON());
  form.submit();
}

if (entering && known) {
  entering.hidden = false;
  entering.addEventListener("submit", (event) => {
    event.preventDefault();
    const problem = document.getElementById("passkey-problem");
    say(problem, "");
    ask(entering).catch(() => say(problem, entering.dataset.refused));
  });
}
