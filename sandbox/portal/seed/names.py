"""Names of Québec companies, people and towns."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FAMILIES = _words(
    """
    Tremblay Gagnon Roy Côté Bouchard Gauthier Morin Lavoie Fortin Gagné Ouellet Pelletier Bélanger
    Lévesque Bergeron Leblanc Paquette Girard Simard Boucher Caron Beaulieu Cloutier Dubé Poirier
    Fournier Lapointe Leclerc Lefebvre Poulin Thibault St-Pierre Nadeau Martel Desjardins Grenier
    Lessard Bédard Bernier Hébert Rousseau Boudreau Therrien Charbonneau Arsenault Lachance D'Amours
    Théberge O'Keefe Saint-Onge
    """
)

FIRST_NAMES = _words(
    """
    Geneviève Luc Mélanie Stéphane Andrée-Anne François Chloé Jérôme Noémie Éric Maïka René Hélène
    Benoît Josée Mathieu Cédric Océane Raphaël Zoé Marie-Ève Jean-François Loïc Solène Yannick
    """
)

TOWNS = _words(
    """
    Rimouski Saguenay Gatineau Trois-Rivières Lévis Drummondville Val-d'Or Rouyn-Noranda Saint-Jérôme
    Granby Sept-Îles Baie-Comeau Alma Victoriaville Shawinigan Matane Thetford-Mines Saint-Hyacinthe
    Joliette Gaspé
    """
)

COMPANY_PATTERNS = (
    "Transport {family} inc.",
    "Excavation {family} et fils inc.",
    "Déneigement {town} ltée",
    "Plomberie {family} & Frères",
    "Les Entreprises {family} inc.",
    "Paysagement {family}",
    "Électricité {town} inc.",
    "Remorquage {family} 24 h",
    "Coopérative forestière de {town}",
    "Livraison express {town}",
    "Gestion {family}-{other} s.e.n.c.",
    "Constructions {family} ltée",
)
