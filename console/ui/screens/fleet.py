from console.ui.screens.base import FleetAwareScreen


class FleetScreen(FleetAwareScreen):
    name_of_screen = "Fleet"
    filter_text = ""
