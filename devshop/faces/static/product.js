// The product page's own script: the price and the address follow the chosen variant, as in any theme.
const form = document.querySelector("[data-product-form]");
const price = document.querySelector("[data-price]");
form.addEventListener("change", (event) => {
  const chosen = event.target;
  if (chosen.name !== "id") return;
  price.textContent = chosen.dataset.money;
  const address = new URL(location.href);
  address.searchParams.set("variant", chosen.value);
  history.replaceState(history.state, "", address);
});
