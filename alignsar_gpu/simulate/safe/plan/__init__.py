"""Plans of simulated products: parameters, passes, subswaths, bursts and radiometry."""
